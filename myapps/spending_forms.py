"""Which months and which currency the spending pages are about."""

from datetime import date

from django import forms
from django.utils.translation import gettext_lazy

from accounts.models import Account
from billing import contracts, periods, spending


class SpendingForm(forms.Form):
    """Whole calendar months, the first and the last, and one currency.

    What is not asked, or wrong, is the newest month that was charged, and the currency of
    the contract if anything was charged in it.
    """

    since = forms.ChoiceField(required=False, label=gettext_lazy("From"))
    until = forms.ChoiceField(required=False, label=gettext_lazy("To"))
    currency = forms.ChoiceField(required=False, label=gettext_lazy("Currency"))

    def __init__(self, data, *, account: Account, on: date):
        super().__init__(data)
        found = spending.by_month(account)
        self.months = _between(found, on=on)
        self.currencies = sorted({one.currency for one in found})
        charged = [one.month for one in found if one.month <= on] or [on]
        self.newest = max(charged).replace(day=1)
        self.usual_currency = contracts.currency_of(account, on=on)
        names = [(f"{month:%Y-%m}", month) for month in reversed(self.months)]
        self.fields["since"].choices = self.fields["until"].choices = names
        self.fields["currency"].choices = [(one, one) for one in self.currencies]
        self.is_valid()

    @property
    def first(self) -> date:
        return min(self._asked("since"), self._asked("until"))

    @property
    def last(self) -> date:
        return max(self._asked("since"), self._asked("until"))

    @property
    def end(self) -> date:
        """The first day after the last month."""
        return periods.add_months(self.last, 1)

    @property
    def chosen_currency(self) -> str:
        asked = self.cleaned_data.get("currency")
        usual = [one for one in self.currencies if one == self.usual_currency]
        return asked or [*usual, *self.currencies, self.usual_currency or ""][0]

    @property
    def query(self) -> str:
        return (
            f"since={self.first:%Y-%m}&until={self.last:%Y-%m}"
            f"&currency={self.chosen_currency}"
        )

    def _asked(self, name: str) -> date:
        asked = self.cleaned_data.get(name)
        other = self.cleaned_data.get("until" if name == "since" else "since")
        asked = asked or other
        return date.fromisoformat(f"{asked}-01") if asked else self.newest


def _between(found, *, on: date) -> list[date]:
    """Every month from the first that was charged to the last, or the day's."""
    this = on.replace(day=1)
    first = min((one.month for one in found), default=this)
    last = max([this, *(one.month for one in found)])
    number = (last.year - first.year) * 12 + last.month - first.month
    return [periods.add_months(min(first, this), n) for n in range(number + 1)]
