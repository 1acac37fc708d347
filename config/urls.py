"""Every address, by the room that answers it."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("accounts.urls")),
    path("", include("marketplace.urls")),
    path("", include("myapps.urls")),
    path("", include("support.urls")),
    path("", include("django.contrib.auth.urls")),
    path("admin/", admin.site.urls),
]
