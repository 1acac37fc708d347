"""Sales operations look after partners, apps, plans and list prices in Django's admin."""

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.core.exceptions import ValidationError
from django.db import models
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from accounts import clock
from journal import addresses
from marketplace import list_prices, listings
from marketplace.models import App, ListPrice, Offer, Partner, Plan

ADDRESSES = {models.URLField: {"assume_scheme": "https"}}


def today():
    """The day that has begun anywhere: list prices start on one after it."""
    return clock.today(list_prices.LATEST_DAY)


@admin.register(Partner)
class PartnerAdmin(admin.ModelAdmin):
    list_display = ["name", "slug", "website"]
    search_fields = ["name", "slug"]
    raw_id_fields = ["members"]
    formfield_overrides = ADDRESSES


class PlanInline(admin.TabularInline):
    model = Plan
    extra = 0
    fields = [
        *("position", "name", "code", "kind", "charge_model", "unit"),
        *("listed", "price_on_request", "prices"),
    ]
    readonly_fields = ["prices"]
    show_change_link = True

    @admin.display(description=_("List prices"))
    def prices(self, plan):
        return plan.pk and format_html(
            '<a href="{}?plan={}">{}</a> · <a href="{}?plan={}">{}</a>',
            reverse("admin:marketplace_listprice_changelist"),
            plan.pk,
            _("History"),
            reverse("admin:marketplace_listprice_add"),
            plan.pk,
            _("Announce"),
        )

    def has_delete_permission(self, request, obj=None):
        """A plan that is sold no more is taken off the list, not away."""
        return False


class ReviewForm(ActionForm):
    """What sales operations say to a partner whose listing goes back."""

    said = forms.CharField(
        required=False, max_length=1000, label=_("To the partner, if it goes back:")
    )


class AppForm(forms.ModelForm):
    """What sales operations change of an app themselves."""

    def clean_launch_address(self):
        address = self.cleaned_data["launch_address"]
        if address and "launch_address" in self.changed_data:
            addresses.read(address, loopback=settings.WEBHOOK_LOOPBACK_ALLOWED)
        return address


@admin.register(App)
class AppAdmin(admin.ModelAdmin):
    """Published by sales operations alone: a partner's draft, and what it proposes."""

    list_display = [
        "name",
        "partner",
        "category",
        "state",
        "proposed_state",
        "listed_on",
    ]
    list_filter = ["state", "proposed_state", "category", "partner"]
    list_select_related = ["partner"]
    search_fields = ["name", "slug"]
    autocomplete_fields = ["partner"]
    formfield_overrides = ADDRESSES
    inlines = [PlanInline]
    exclude = ["proposed", "version"]
    readonly_fields = [
        *("state", "proposed_state", "proposal", "sent_back_because", "preview"),
    ]
    form = AppForm
    action_form = ReviewForm
    actions = ["publish", "send_back"]

    @admin.display(description=_("What the partner proposes"))
    def proposal(self, app):
        plans = {plan.code: plan for plan in app.plans.all()} if app.pk else {}
        rows = [
            (row, name, getattr(row, name, ""), value)
            for part, changes in app.proposed.items()
            for row in [plans.get(part.removeprefix("plan:"), app)]
            for name, value in changes.items()
            if name != "new"
        ]
        return format_html(
            "<table><tr><th>{}</th><th></th><th>{}</th><th>{}</th></tr>{}</table>",
            _("Of"),
            _("Now"),
            _("Then"),
            format_html_join(
                "",
                "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                (
                    (row, row._meta.get_field(name).verbose_name, before, then)
                    for row, name, before, then in rows
                ),
            ),
        )

    @admin.display(description=_("As customers would see it"))
    def preview(self, app):
        return app.pk and format_html(
            '<a href="{}">{}</a>',
            reverse("myapps:portal-preview", args=[app.slug]),
            _("Preview"),
        )

    @admin.action(description=_("Publish what is in review"), permissions=["change"])
    def publish(self, request, rows):
        for app in rows:
            self._answer(
                request,
                app,
                lambda app: listings.publish(app, by=request.user, on=today()),
                _("%(app)s is published."),
            )

    @admin.action(description=_("Send back to the partner"), permissions=["change"])
    def send_back(self, request, rows):
        for app in rows:
            self._answer(
                request,
                app,
                lambda app: listings.send_back(
                    app,
                    reason=request.POST.get("said", ""),
                    by=request.user,
                    on=today(),
                ),
                _("%(app)s went back to its partner."),
            )

    def _answer(self, request, app, do, words):
        try:
            do(app)
        except ValidationError as refusal:
            said = f"{app}: {' '.join(refusal.messages)}"
            self.message_user(request, said, messages.ERROR)
        else:
            self.message_user(request, words % {"app": app})


class ListPriceInline(admin.TabularInline):
    """What the plan was, is and will be listed at: read here, announced apart."""

    model = ListPrice
    extra = 0
    fields = ["currency", "monthly_price", "effective_from", "effective_until"]
    ordering = ["currency", "-effective_from"]

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


@admin.register(Plan)
class PlanAdmin(admin.ModelAdmin):
    list_display = ["name", "app", "kind", "charge_model", "listed", "price_on_request"]
    list_filter = ["kind", "charge_model", "listed", "price_on_request"]
    list_select_related = ["app"]
    search_fields = ["name", "code", "app__name"]
    autocomplete_fields = ["app"]
    inlines = [ListPriceInline]

    def has_delete_permission(self, request, obj=None):
        return False


class AnnouncementForm(forms.ModelForm):
    """A list price from a day to come; list_prices.announce refuses what it must."""

    monthly_price = forms.DecimalField(
        min_value=0,
        max_digits=18,
        decimal_places=6,
        help_text=_(
            "Lines that run keep their price, and a signed one renews at it. Whoever"
            " buys or changes plan from the day on pays this."
        ),
    )

    class Meta:
        model = ListPrice
        fields = ["plan", "currency", "monthly_price", "effective_from"]

    def clean(self):
        wanted = super().clean()
        # The price before it would overlap: announcing it ends that one.
        self._validate_constraints = False
        if not self.errors:
            try:
                list_prices.announceable(
                    wanted["plan"],
                    currency=wanted["currency"],
                    effective_from=wanted["effective_from"],
                    on=today(),
                )
            except ValidationError as refusal:
                self.add_error(None, refusal)
        return wanted


@admin.register(ListPrice)
class ListPriceAdmin(admin.ModelAdmin):
    """Add a price for a day to come, or take it back before that day; no more."""

    form = AnnouncementForm
    list_display = [
        *("plan", "app", "currency", "monthly_price"),
        *("effective_from", "effective_until"),
    ]
    list_filter = ["currency", "plan__app"]
    list_select_related = ["plan__app"]
    search_fields = ["plan__name", "plan__app__name"]
    raw_id_fields = ["plan"]
    ordering = ["plan__app__name", "plan__position", "currency", "-effective_from"]
    date_hierarchy = "effective_from"
    actions = None

    def lookup_allowed(self, lookup, value, request):
        return lookup == "plan" or super().lookup_allowed(lookup, value, request)

    @admin.display(ordering="plan__app__name")
    def app(self, price):
        return price.plan.app

    def has_change_permission(self, request, obj=None):
        """What is listed is read; another price gets another day."""
        return False

    def has_delete_permission(self, request, obj=None):
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or obj.effective_from > today())

    def save_model(self, request, obj, form, change):
        wanted = form.cleaned_data
        made = list_prices.announce(**wanted, by=request.user, on=today())
        obj.pk = made.pk

    def delete_model(self, request, obj):
        list_prices.withdraw(obj, by=request.user, on=today())


@admin.register(Offer)
class OfferAdmin(admin.ModelAdmin):
    """Plans that Support made available to one account: read here, made at the desk."""

    list_display = ["plan", "account", "offered_by", "offered_on"]
    list_select_related = ["plan", "account", "offered_by"]

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
