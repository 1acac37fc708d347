"""Every address, by the room that answers it."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path
from django.utils.translation import gettext_lazy as _

from accounts.urls import passwords, scim
from billing import contracts
from config import navigation
from config.styleguide import styleguide

admin.site.site_header = admin.site.site_title = (
    f"{settings.VENDOR_NAME}: sales operations"
)
admin.site.index_title = _("Contracts, order forms and prices")

urlpatterns = [
    path("", include("accounts.urls")),
    path("", include("marketplace.urls"), {"currency_of": contracts.currency_of}),
    path("", include("myapps.urls")),
    path("", include("support.urls")),
    path("", navigation.home, name="home"),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("", include(passwords)),
    path("styleguide/", styleguide, name="styleguide"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("config.api_urls")),
    path("scim/v2/", include((scim, "scim"))),
]
