"""What administrators ask of the time to come."""

from django import forms
from django.utils.translation import gettext_lazy as _

MOST = 100_000


class WhatIfForm(forms.Form):
    """A change to try: which one, and how many or to which plan."""

    MORE, NOW, LATER, FEWER, END = "more", "now", "later", "fewer", "end"

    do = forms.ChoiceField(
        choices=[
            (MORE, _("Add people")),
            (NOW, _("Change plan now")),
            (LATER, _("Change plan at renewal")),
            (FEWER, _("Bill fewer from the renewal on")),
            (END, _("Uninstall")),
        ],
        label=_("What changes"),
    )
    n = forms.IntegerField(
        min_value=1, max_value=MOST, required=False, label=_("How many")
    )
    plan = forms.ChoiceField(required=False, label=_("Which plan"))

    def __init__(self, *args, plans, **kwargs):
        super().__init__(*args, **kwargs)
        self.plans = {plan.code: plan for plan in plans}
        self.fields["plan"].choices = [
            (code, plan.name) for code, plan in self.plans.items()
        ]

    def clean(self):
        asked = super().clean()
        wanted = asked.get("do")
        asked["n"] = asked.get("n") or 1
        if wanted in {self.NOW, self.LATER}:
            code = asked.get("plan") or next(iter(self.plans), "")
            if code not in self.plans:
                raise forms.ValidationError(
                    _("The app has no other plan to change to."), code="no_plan"
                )
            asked["plan"] = self.plans[code]
        return asked
