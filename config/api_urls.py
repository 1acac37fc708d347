"""/api/v1/: each room's part of the API. Its viewsets are the rooms' `api.py`."""

from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import SimpleRouter

from accounts import api as accounts_api
from billing import account_api
from billing import api as batch_api
from config import api_pages, api_schema  # noqa: F401 (it says what a key is)
from myapps import (
    approval_api,
    catalogue_api,
    installation_api,
    line_api,
    partner_api,
    partner_listing_api,
    partner_webhook_api,
    plan_api,
    role_api,
    seat_api,
)
from myapps.api import OF_AN_INSTALLATION
from support import adjustment_api
from support import api as support_api

router = SimpleRouter()

# The company's invoicing system
router.register("batches", batch_api.Batches, basename="batches")

# An account's own software
router.register("catalogue", catalogue_api.Catalogue, basename="catalogue")
router.register(
    "installations", installation_api.Installations, basename="installations"
)
router.register(rf"{OF_AN_INSTALLATION}/seats", seat_api.Seats, basename="seats")
router.register(
    rf"{OF_AN_INSTALLATION}/roles", role_api.Activations, basename="activations"
)
router.register(rf"{OF_AN_INSTALLATION}/queue", role_api.Queue, basename="queue")
router.register(rf"{OF_AN_INSTALLATION}/plan", plan_api.Plans, basename="plan")
router.register("lines", line_api.Lines, basename="lines")
router.register("charges", account_api.Charges, basename="charges")
router.register("orders", account_api.Orders, basename="orders")
router.register("renewal-changes", line_api.RenewalChanges, basename="renewal-changes")
router.register("approvals", approval_api.Approvals, basename="approvals")
router.register("people", accounts_api.People, basename="people")
router.register("roles", accounts_api.Roles, basename="roles")

router.register("tickets", support_api.Requests, basename="requests")

# Support's own software
router.register("desk/tickets", support_api.Tickets, basename="desk-tickets")
router.register(
    adjustment_api.OF_A_TICKET, adjustment_api.Adjustments, basename="adjustments"
)

# Partners
router.register(
    "partner/installations", partner_api.Installations, basename="partner-installations"
)
router.register("partner/add-ons", partner_api.AddOns, basename="partner-add-ons")
router.register(
    "partner/activations", partner_api.Activations, basename="partner-activations"
)
router.register(
    "partner/listings", partner_listing_api.Listings, basename="partner-listings"
)
router.register("partner/plans", partner_listing_api.Plans, basename="partner-plans")
router.register("partner/prices", partner_listing_api.Prices, basename="partner-prices")
router.register(
    "partner/endpoints", partner_webhook_api.Endpoints, basename="partner-endpoints"
)
router.register(
    "partner/deliveries", partner_webhook_api.Deliveries, basename="partner-deliveries"
)
router.register("partner/keys", partner_webhook_api.Keys, basename="partner-keys")

urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", api_pages.Docs.as_view(url_name="api-schema"), name="api-docs"),
    path(
        "contract/",
        account_api.CurrentContract.as_view({"get": "retrieve"}),
        name="contract",
    ),
    path("", include(router.urls)),
    re_path(".*", api_pages.nothing),
]
