"""What every page may say of the vendor."""

from django.conf import settings


def vendor(request):
    """The vendor's name and the addresses that stay one click away (T18)."""
    return {
        "VENDOR_NAME": settings.VENDOR_NAME,
        "TERMS_ADDRESS": settings.TERMS_ADDRESS,
        "SUPPORT_ADDRESS": settings.SUPPORT_ADDRESS,
    }
