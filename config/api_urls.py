"""/api/v1/: each room's part of the API. Its viewsets are the rooms' `api.py`."""

from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import SimpleRouter

from config import api_pages

router = SimpleRouter()

urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", api_pages.Docs.as_view(url_name="api-schema"), name="api-docs"),
    path("", include(router.urls)),
    re_path(".*", api_pages.nothing),
]
