"""Contracts, order forms and lines for sales operations. Money is read here, not written.

A contract and an order form are recorded by the rules that the import uses; what a form
creates and bills is shown before. What a line costs changes by orders, decisions and
time.
"""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import OuterRef, Q, Subquery, Sum
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts import clock
from billing import batches, contracts, order_forms, recordings
from billing.forms import LineFormSet, RecordForm, as_signed
from billing.models import (
    Batch,
    Charge,
    Contract,
    Increase,
    Line,
    Order,
    OrderForm,
    RenewalChange,
    Term,
)
from marketplace.catalogue_files import CURRENCIES


def nobody(admin, request, row=None):
    """The rules write these rows."""
    return False


class ReadOnly(admin.ModelAdmin):
    has_add_permission = has_change_permission = has_delete_permission = nobody
    show_full_result_count = False
    list_per_page = 50


class ReadOnlyInline(admin.TabularInline):
    has_add_permission = has_change_permission = has_delete_permission = nobody
    extra = 0
    show_change_link = True


class ContractForm(forms.ModelForm):
    """A new contract, tried on the rule that records it."""

    class Meta:
        model = Contract
        fields = [
            "account",
            "currency",
            "starts_on",
            "term_months",
            "frequency_months",
            "auto_renews",
            "billed_until",
        ]

    def clean_currency(self):
        currency = self.cleaned_data["currency"].upper()
        if currency not in CURRENCIES:
            raise ValidationError(
                _("Write an ISO 4217 code, as USD or EUR."), code="currency"
            )
        return currency

    def clean(self):
        if not self.errors:
            with transaction.atomic():
                self.record(by=None)
                transaction.set_rollback(True)
        return self.cleaned_data

    def record(self, *, by):
        account = self.cleaned_data["account"]
        return order_forms.record_contract(
            **self.cleaned_data, by=by, on=clock.today(account.timezone)
        )

    def validate_constraints(self):
        """The rule has spoken, in better words."""


class OrderFormInline(ReadOnlyInline):
    model = OrderForm
    fields = ["number", "signed_on", "signed_by", "install_link_to"]
    ordering = ["signed_on"]


class LineInline(ReadOnlyInline):
    model = Line
    fields = [
        *("app", "plan", "basis", "quantity", "monthly_unit_price", "currency"),
        *("starts_on", "ends_on", "charged"),
    ]
    readonly_fields = ["quantity", "charged"]
    ordering = ["pk"]

    def get_queryset(self, request):
        lines = super().get_queryset(request).select_related("app", "plan")
        newest = Term.objects.filter(line=OuterRef("pk")).order_by("-starts_on")
        return lines.annotate(
            billed=Subquery(newest.values("billed")[:1]),
            so_far=Sum("charges__amount", default=0),
        )

    @admin.display(description=_("billed quantity"))
    def quantity(self, line):
        return line.billed

    @admin.display(description=_("charged so far"))
    def charged(self, line):
        return f"{line.so_far:.{line.digits}f}"


class OrderInline(ReadOnlyInline):
    model = Order
    fields = ["placed_on", "kind", "app", "plan", "placed_by", "role_name"]
    ordering = ["-pk"]

    def get_queryset(self, request):
        orders = super().get_queryset(request)
        return orders.select_related("app", "plan", "placed_by")


@admin.register(Contract)
class ContractAdmin(admin.ModelAdmin):
    form = ContractForm
    autocomplete_fields = ["account"]
    list_display = [
        "account",
        "currency",
        "starts_on",
        "ends_on",
        "term_months",
        "frequency_months",
        "auto_renews",
        "billed_until",
    ]
    list_filter = ["auto_renews", "currency", "frequency_months", "term_months"]
    list_select_related = ["account"]
    search_fields = ["account__name", "account__slug"]
    date_hierarchy = "starts_on"
    ordering = ["account__name", "starts_on"]
    inlines = [OrderFormInline, LineInline, OrderInline]
    has_change_permission = has_delete_permission = nobody
    actions = ["let_end"]

    @admin.action(description=_("Does not renew: let it end with its current term"))
    def let_end(self, request, chosen):
        """Sales was told that these contracts do not renew (3.16)."""
        for contract in chosen.select_related("account"):
            try:
                contract = contracts.let_end(
                    contract,
                    by=request.user,
                    on=clock.today(contract.account.timezone),
                )
            except ValidationError as refusal:
                words, level = refusal.messages[0], messages.ERROR
            else:
                words, level = f"It ends on {contract.ends_on}.", messages.SUCCESS
            self.message_user(request, f"{contract.account}: {words}", level)

    def get_inlines(self, request, contract):
        return self.inlines if contract else []

    def save_form(self, request, form, change):
        return form.record(by=request.user)

    def save_model(self, request, contract, form, change):
        """Recorded already, by the rule."""

    def save_related(self, request, form, formsets, change):
        """Nothing hangs on a contract that is new."""

    def get_fields(self, request, contract=None):
        extra = ["ends_on", "wound_up_on", "charged"] if contract else []
        return [*ContractForm.Meta.fields, *extra]

    def get_readonly_fields(self, request, contract=None):
        return ["charged"] if contract else []

    @admin.display(description=_("charged so far"))
    def charged(self, contract):
        """The sum of its lines' charges, by currency, with the way to each of them."""
        charges = Charge.objects.filter(line__contract=contract)
        sums = charges.values_list("currency", "line__digits").annotate(
            total=Sum("amount")
        )
        address = reverse("admin:billing_charge_changelist")
        said = [
            (f"{address}?line__contract={contract.pk}&currency={currency}",
             f"{total:.{digits}f} {currency}")
            for currency, digits, total in sums.order_by("currency")
        ]  # fmt: skip
        return format_html_join(", ", '<a href="{}">{}</a>', said) or "0"


@admin.register(OrderForm)
class OrderFormAdmin(ReadOnly):
    """Recorded in two steps: what it creates and bills is shown, then done as shown."""

    list_display = ["number", "account", "signed_on", "signed_by", "install_link_to"]
    list_filter = [
        ("install_link_to", admin.EmptyFieldListFilter),
        "contract__currency",
    ]
    list_select_related = ["account"]
    search_fields = ["=number", "account__name", "account__slug", "signed_by"]
    date_hierarchy = "signed_on"
    ordering = ["-signed_on", "number"]
    inlines = [LineInline]
    fields = [
        *("number", "account", "contract", "signed_on", "signed_by"),
        *("install_link_to", "links", "recorded_at", "content"),
    ]
    readonly_fields = ["links", "recorded_at"]

    def has_add_permission(self, request):
        return admin.ModelAdmin.has_add_permission(self, request)

    @admin.display(description=_("install links"))
    def links(self, form):
        address = reverse("admin:myapps_installlink_changelist")
        words = _("Those sent, to send again or take back")
        return format_html('<a href="{}?q={}">{}</a>', address, form.number, words)

    def add_view(self, request, form_url="", extra_context=None):
        """Fill in, preview, record. Nothing is recorded that was not shown."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        asked = _with_more_lines(request.POST) if request.POST else None
        form, lines = RecordForm(asked), LineFormSet(asked, prefix="lines")
        more, recording = "more" in request.POST, None
        if asked and not more and all((form.is_valid(), lines.is_valid())):
            try:
                if "record" in asked:
                    return self._record(request, form, lines)
                recording = recordings.of(**_signed(request, form, lines))
            except ValidationError as refusal:
                form.add_error(REFUSED_AT.get(refusal.code), refusal)
                recording = getattr(refusal, "recording", None)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Record an order form"),
            "opts": self.opts,
            "form": form,
            "lines": lines,
            "quiet": more,
            "recording": recording,
            "media": self.media + form.media + lines.media,
        }
        page = "admin/billing/orderform/record.html"
        return TemplateResponse(request, page, context)

    def _record(self, request, form, lines):
        signed = _signed(request, form, lines)
        recorded = recordings.record(**signed, shown=request.POST.get("shown", ""))
        self.message_user(
            request,
            _("Order form %(number)s is recorded.") % {"number": recorded.number},
            messages.SUCCESS,
        )
        if signed["send_links"]:
            words = _("Install links are on their way to %(to)s.")
            to = {"to": recorded.install_link_to}
            self.message_user(request, words % to, messages.SUCCESS)
        later = recorded.lines.base().filter(starts_on__gt=signed["on"]).count()
        if later and recorded.install_link_to:
            words = ngettext(
                "%(count)d line starts later. Send its link from that day on.",
                "%(count)d lines start later. Send their links from that day on.",
                later,
            )
            self.message_user(request, words % {"count": later}, messages.INFO)
        return redirect("admin:billing_orderform_change", recorded.pk)


REFUSED_AT = {
    "number_taken": "number",
    "no_recipient": "install_link_to",
    "unknown_recipient": "install_link_to",
}


def _signed(request, form: RecordForm, lines: LineFormSet) -> dict:
    account = form.cleaned_data["account"]
    return {
        "account": account,
        "by": request.user,
        "on": clock.today(account.timezone),
        **as_signed(form, lines),
    }


def _with_more_lines(asked):
    """The form as sent, with room for four more lines where that was asked."""
    asked = asked.copy()
    total = asked.get("lines-TOTAL_FORMS", "")
    if "more" in asked and total.isdecimal():
        asked["lines-TOTAL_FORMS"] = min(int(total) + 4, 100)
    return asked


class TermInline(ReadOnlyInline):
    model = Term
    fields = [
        "starts_on",
        "ends_on",
        "contracted",
        "peak",
        "billed",
        "billed_until",
        "outcome",
    ]
    readonly_fields = ["billed"]
    ordering = ["-starts_on"]
    show_change_link = False


class IncreaseInline(ReadOnlyInline):
    model = Increase
    fields = ["on", "from_quantity", "to_quantity", "cause"]
    ordering = ["-pk"]
    show_change_link = False


def arithmetic(charge: Charge) -> str:
    """How an amount comes about, to be done again by hand (3.9)."""
    sum_ = f"{charge.quantity} × {charge.unit_price.normalize():f}"
    if charge.days != charge.period_days:
        sum_ += f" × {charge.days}/{charge.period_days}"
    if charge.capped_at is not None:
        sum_ += f", at most {charge.capped_at.normalize():f}"
    return sum_


class ChargeInline(ReadOnlyInline):
    model = Charge
    fk_name = "line"
    fields = [
        "billed_on",
        "reason",
        "starts_on",
        "ends_on",
        "how",
        "owed",
        "currency",
    ]
    readonly_fields = ["how", "owed"]
    ordering = ["-starts_on", "-pk"]

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("line")

    @admin.display(description=_("arithmetic"))
    def how(self, charge):
        return arithmetic(charge)

    @admin.display(description=_("amount"))
    def owed(self, charge):
        return f"{charge.amount:.{charge.line.digits}f}"


class RenewalChangeInline(ReadOnlyInline):
    model = RenewalChange
    fk_name = "line"
    fields = ["term_ends_on", "kind", "target_quantity", "state", "decided_on"]
    ordering = ["-pk"]


@admin.register(Line)
class LineAdmin(ReadOnly):
    list_display = [
        "account",
        "app",
        "plan",
        "basis",
        "monthly_unit_price",
        "currency",
        "starts_on",
        "ends_on",
        "order_form",
        "parked",
    ]
    list_filter = [
        "basis",
        "currency",
        "frequency_months",
        ("parked_at", admin.EmptyFieldListFilter),
        ("ends_on", admin.EmptyFieldListFilter),
    ]
    list_select_related = ["account", "app", "plan", "order_form"]
    search_fields = [
        "account__name",
        "account__slug",
        "app__name",
        "plan__name",
        "=order_form__number",
    ]
    date_hierarchy = "starts_on"
    ordering = ["account__name", "app__name", "pk"]
    inlines = [TermInline, IncreaseInline, RenewalChangeInline, ChargeInline]

    @admin.display(description=_("parked"), boolean=True)
    def parked(self, line):
        return line.parked_at is not None

    def get_readonly_fields(self, request, line=None):
        return [*super().get_readonly_fields(request, line), "charged", "orders"]

    @admin.display(description=_("charged so far"))
    def charged(self, line):
        return f"{line.charges.total():.{line.digits}f} {line.currency}"

    @admin.display(description=_("orders"))
    def orders(self, line):
        """The signed orders that opened it or let it grow, newest first."""
        rows = Order.objects.filter(Q(lines=line) | Q(increases__line=line))
        rows = rows.select_related("placed_by").distinct().order_by("-pk")
        said = [
            (reverse("admin:billing_order_change", args=[order.pk]),
             f"{order.placed_on} {order.get_kind_display()}", order.placed_by)
            for order in rows
        ]  # fmt: skip
        return format_html_join("", '<div><a href="{}">{}</a>, {}</div>', said) or "–"


@admin.register(Charge)
class ChargeAdmin(ReadOnly):
    list_display = [
        "billed_on",
        "account",
        "line_link",
        "reason",
        "starts_on",
        "ends_on",
        "how",
        "amount",
        "currency",
        "origin",
        "batch",
    ]
    list_filter = [
        *("reason", "origin", "currency"),
        ("batched", admin.EmptyFieldListFilter),
    ]
    list_select_related = ["account", "line__plan", "line__app", "batched__batch"]
    search_fields = ["account__name", "account__slug", "=cause", "line__app__name"]
    date_hierarchy = "billed_on"
    ordering = ["-billed_on", "-pk"]

    def lookup_allowed(self, lookup, value, request):
        ours = {"line__contract", "batched__batch"}
        return lookup in ours or super().lookup_allowed(lookup, value, request)

    @admin.display(description=_("arithmetic"))
    def how(self, charge):
        return arithmetic(charge)

    @admin.display(description=_("batch"), empty_value="–")
    def batch(self, charge):
        """The number of the batch it left in."""
        batched = getattr(charge, "batched", None)
        return batched and batched.batch.number

    @admin.display(description=_("line"))
    def line_link(self, charge):
        address = reverse("admin:billing_line_change", args=[charge.line_id])
        line = charge.line
        return format_html('<a href="{}">{} {}</a>', address, line.app, line.plan)


@admin.register(Batch)
class BatchAdmin(ReadOnly):
    """What left for the invoicing system: looked at, and downloaded as it was sent."""

    list_display = [
        *("account", "number", "day", "lines", "total", "currency"),
        *("acknowledged", "files"),
    ]
    list_filter = [("acknowledgement", admin.EmptyFieldListFilter), "currency"]
    list_select_related = ["account", "acknowledgement"]
    search_fields = ["account__name", "account__slug", "=number", "=checksum"]
    date_hierarchy = "day"
    ordering = ["-day", "-pk"]
    fields = [
        *("account", "number", "day", "lines", "total", "currency", "checksum"),
        *("closed_at", "acknowledged", "files", "charges"),
    ]
    readonly_fields = ["total", "acknowledged", "files", "charges"]

    def get_queryset(self, request):
        return super().get_queryset(request).defer("content")

    @admin.display(description=_("total"), ordering="total_amount")
    def total(self, batch):
        return batches.total(batch)

    @admin.display(description=_("acknowledged"))
    def acknowledged(self, batch):
        found = getattr(batch, "acknowledgement", None)
        return f"{found.acknowledged_on}, {found.reference}" if found else _("not yet")

    @admin.display(description=_("files"))
    def files(self, batch):
        said = [
            (reverse("admin:billing_batch_file", args=[batch.pk, ending]), ending)
            for ending in ("csv", "json")
        ]
        return format_html_join(" · ", '<a href="{}">{}</a>', said)

    @admin.display(description=_("charges"))
    def charges(self, batch):
        address = reverse("admin:billing_charge_changelist")
        words = ngettext("%d charge", "%d charges", batch.lines) % batch.lines
        return format_html(
            '<a href="{}?batched__batch={}">{}</a>', address, batch.pk, words
        )

    def get_urls(self):
        file = self.admin_site.admin_view(self.file)
        return [
            path("<int:pk>/file.<str:ending>", file, name="billing_batch_file"),
            *super().get_urls(),
        ]

    def file(self, request, pk, ending):
        """A batch as the invoicing system gets it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        batch = get_object_or_404(Batch.objects.select_related("account"), pk=pk)
        contents = {"csv": batches.as_csv, "json": lambda batch: batch.content}
        if ending not in contents:
            raise Http404
        name = f"{batches.file_name(batch)}.{ending}"
        return HttpResponse(
            contents[ending](batch),
            content_type="text/csv" if ending == "csv" else "application/json",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


@admin.register(Order)
class OrderAdmin(ReadOnly):
    list_display = ["id", "placed_on", "account", "kind", "app", "plan", "placed_by"]
    list_filter = ["kind"]
    list_select_related = ["account", "app", "plan", "placed_by"]
    search_fields = ["=id", "account__name", "account__slug", "app__name"]
    date_hierarchy = "placed_on"
    ordering = ["-pk"]


@admin.register(RenewalChange)
class RenewalChangeAdmin(ReadOnly):
    """Decided on its ticket."""

    list_display = ["term_ends_on", "account", "line", "kind", "target", "state"]
    list_filter = ["state", "kind"]
    list_select_related = ["account", "line__plan", "target_plan"]
    search_fields = ["account__name", "account__slug", "line__app__name"]
    date_hierarchy = "term_ends_on"
    ordering = ["term_ends_on", "pk"]

    @admin.display(description=_("target"))
    def target(self, change):
        return change.target_plan or change.target_quantity
