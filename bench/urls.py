"""The console's addresses and one empty page, for comparison on the same server."""

from django.http import HttpResponse
from django.urls import include, path


def empty(request):
    """A page that asks nothing, behind the same middleware as every other."""
    return HttpResponse("<!doctype html><title>Empty</title>")


urlpatterns = [path("empty/", empty), path("", include("config.urls"))]
