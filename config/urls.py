"""Every address, by the room that answers it."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("accounts.urls")),
    path("", include("marketplace.urls")),
    path("my-apps/", include("myapps.urls")),
    path("support/", include("support.urls")),
    path("admin/", admin.site.urls),
]
