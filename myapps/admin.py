"""Sales operations send install links, again or for the first time, and take them back."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts import clock
from accounts.models import User
from journal import activities
from journal.models import Activity
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
        if line:
            on = clock.today(line.account.timezone)
            install_links.check_sendable(line, recipient=to, on=on)
        return asked

    def _post_clean(self):
        """The rule makes the link; nothing is read into a row here."""


@admin.register(InstallLink)
class InstallLinkAdmin(admin.ModelAdmin):
    form = InstallLinkForm
    list_display = [
        *("account", "app", "plan", "order_form", "recipient", "state"),
        *("sent_at", "expires_at", "used_at", "revoked_at"),
    ]
    list_select_related = [
        "account",
        "line__plan__app",
        "line__order_form",
        "recipient",
    ]
    list_filter = [
        ("used_at", admin.EmptyFieldListFilter),
        ("revoked_at", admin.EmptyFieldListFilter),
    ]
    search_fields = [
        *("account__name", "account__slug", "line__app__name"),
        *("=line__order_form__number", "recipient__email", "recipient__display_name"),
    ]
    date_hierarchy = "sent_at"
    show_full_result_count = False
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

    def get_fields(self, request, link=None):
        if link is None:
            return ["line", "recipient"]
        return [
            *("account", "app", "plan", "order_form", "recipient"),
            *("state", "sent_at", "expires_at", "used_at", "revoked_at"),
        ]

    @admin.display(description=_("State"))
    def state(self, link):
        if link.used_at:
            return _("Used")
        if link.revoked_at:
            return _("Taken back")
        return _("Too old") if link.expires_at <= clock.now() else _("Can be used")

    def render_change_form(self, request, context, obj=None, **how):
        """Beside a link: send it again, take it back, and what the journal says of it."""
        if obj is not None:
            told = Activity.objects.filter(subject=activities.reference(obj))
            context["may_send"] = self.has_change_permission(request)
            context["told"] = _sentences(told.order_by("id"))
        return super().render_change_form(request, context, obj=obj, **how)

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
        sent = 0
        for link in links:
            try:
                self._send(request, link.line, link.recipient)
            except ValidationError as refusal:
                words = f"{link.line.app}: {refusal.messages[0]}"
                self.message_user(request, words, messages.ERROR)
            else:
                sent += 1
        self._said(request, ngettext("%d link sent.", "%d links sent.", sent), sent)

    @admin.action(description=_("Take back: the link stops working"))
    def take_back(self, request, queryset):
        taken = 0
        for link in queryset.select_related("account", "line__plan__app"):
            on = clock.today(link.account.timezone)
            taken += install_links.revoke(link, by=request.user, at=clock.now(), on=on)
        words = ngettext("%d link taken back.", "%d links taken back.", taken)
        self._said(request, words, taken)

    def _said(self, request, words, count):
        level = messages.SUCCESS if count else messages.WARNING
        self.message_user(request, words % count, level)

    def _send(self, request, line, to):
        on = clock.today(line.account.timezone)
        return mails.install_link(line, to=to, by=request.user, at=clock.now(), on=on)

    def has_change_permission(self, request, obj=None):
        """Links are sent and taken back, never edited; the list needs the permission."""
        return obj is None and super().has_change_permission(request)

    def has_delete_permission(self, request, obj=None):
        return False


def _sentences(told):
    """What the journal says, with the day of each."""
    told = list(told)
    people = User.objects.filter(pk__in=activities.people(told))
    names = dict(people.values_list("pk", "display_name"))
    return [(entry.on, activities.sentence(entry, names)) for entry in told]
