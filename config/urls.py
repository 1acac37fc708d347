"""Every address, by the room that answers it."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.utils.translation import gettext_lazy as _

from accounts.sign_in_pages import admin_sign_in
from accounts.urls import scim, sign_in
from billing import contracts
from config import navigation, palette
from config.styleguide import styleguide

admin.site.site_header = admin.site.site_title = (
    f"{settings.VENDOR_NAME}: sales operations"
)
admin.site.login = admin_sign_in
admin.site.index_title = _("Contracts, order forms and prices")

urlpatterns = [
    path("", include("accounts.urls")),
    path("", include("marketplace.urls"), {"currency_of": contracts.currency_of}),
    path("", include("myapps.urls")),
    path("", include("support.urls")),
    path("", navigation.home, name="home"),
    path("search/", palette.search, name="search"),
    path("", include(sign_in)),
    path("styleguide/", styleguide, name="styleguide"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("config.api_urls")),
    path("scim/v2/", include((scim, "scim"))),
]
