"""Sales operations send install links, again or for the first time, and take them back."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts import clock
from billing.models import Line
from myapps import install_links, mails
from myapps.models import InstallLink


class InstallLinkForm(forms.ModelForm):
    """A link for a signed line; without a recipient the one its order form names."""

    class Meta:
        model = InstallLink
        fields = ["line", "recipient"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "recipient" in self.fields:
            self.fields["recipient"].required = False
            self.fields["recipient"].help_text = _(
                "Left out: whom the order form names."
            )

    def clean(self):
        asked = super().clean()
        line, to = asked.get("line"), asked.get("recipient")
        if line and not to:
            asked["recipient"] = to = mails.recipient(line)
        if line and (line.basis != Line.Basis.SIGNED or not line.plan.is_base):
            raise ValidationError(
                _("Install links are for base plans bought by order form."),
                code="not_signed",
            )
        if line and to.account_id != line.account_id:
            raise ValidationError(
                _("The person works for another account."), code="stranger"
            )
        return asked

    def _post_clean(self):
        """The rule makes the link; nothing is read into a row here."""


@admin.register(InstallLink)
class InstallLinkAdmin(admin.ModelAdmin):
    form = InstallLinkForm
    list_display = [
        *("account", "app", "plan", "order_form", "recipient"),
        *("sent_at", "expires_at", "used_at", "revoked_at"),
    ]
    list_select_related = [
        "account",
        "line__plan__app",
        "line__order_form",
        "recipient",
    ]
    list_filter = [("used_at", admin.EmptyFieldListFilter)]
    search_fields = ["account__name", "line__order_form__number", "recipient__email"]
    raw_id_fields = ["line", "recipient"]
    ordering = ["-sent_at"]
    actions = ["send_again", "take_back"]

    @admin.display(description=_("App"))
    def app(self, link):
        return link.line.plan.app

    @admin.display(description=_("Plan"))
    def plan(self, link):
        return link.line.plan

    @admin.display(description=_("Order form"))
    def order_form(self, link):
        return link.line.order_form

    def save_model(self, request, obj, form, change):
        """Send it: the rule writes the row."""
        line, to = form.cleaned_data["line"], form.cleaned_data["recipient"]
        sent = self._send(request, line, to)
        obj.pk = sent.pk
        obj.refresh_from_db()

    def log_addition(self, request, obj, message):
        """The journal keeps who sent what."""

    @admin.action(description=_("Send again: the older link stops working"))
    def send_again(self, request, queryset):
        links = queryset.filter(used_at=None).select_related(
            "line__account", "line__order_form", "line__plan__app", "recipient"
        )
        for link in links:
            self._send(request, link.line, link.recipient)
        self.message_user(request, _("%d sent.") % len(links), messages.SUCCESS)

    @admin.action(description=_("Take back: the link stops working"))
    def take_back(self, request, queryset):
        links = list(queryset.filter(used_at=None, revoked_at=None))
        for link in links:
            on = clock.today(link.account.timezone)
            install_links.revoke(link, by=request.user, at=clock.now(), on=on)
        self.message_user(request, _("%d taken back.") % len(links), messages.SUCCESS)

    def _send(self, request, line, to):
        on = clock.today(line.account.timezone)
        return mails.install_link(line, to=to, by=request.user, at=clock.now(), on=on)

    def has_change_permission(self, request, obj=None):
        """Links are sent and taken back, never edited; the list needs the permission."""
        return obj is None and super().has_change_permission(request)

    def has_delete_permission(self, request, obj=None):
        return False
