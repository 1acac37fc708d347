"""The API's documentation page, and the answer at an address that does not exist."""

from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.decorators import (
    api_view,
    authentication_classes,
    permission_classes,
)
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny


class Docs(SpectacularSwaggerSplitView):
    """The interactive page: every call, with a field for one's own key."""

    template_name = "api_docs.html"


@extend_schema(exclude=True)
@api_view(["GET", "POST", "PUT", "PATCH", "DELETE"])
@authentication_classes([])
@permission_classes([AllowAny])
def nothing(request):
    """Say 404 as problem details, not as a page."""
    raise NotFound
