"""Effects of purchases as the API shows them: before the click, on the order that keeps
them, and in the refusal of a purchase whose effect changed (3.17).
"""

from functools import partial

from rest_framework import serializers

from billing.models import Line

exact = partial(serializers.DecimalField, max_digits=None, decimal_places=None)
"""Money as text, with all the digits it has."""


class PartSerializer(serializers.Serializer):
    """Units over days of one billing period: quantity × unit price × days ÷ period days."""

    period_starts_on = serializers.DateField()
    period_ends_on = serializers.DateField()
    starts_on = serializers.DateField()
    ends_on = serializers.DateField(help_text="First day after it.")
    quantity = serializers.IntegerField()
    unit_price = exact(help_text="One unit for the whole billing period.")
    days = serializers.IntegerField()
    period_days = serializers.IntegerField()
    amount = exact(help_text="Rounded once, half up.")


class GrowthSerializer(serializers.Serializer):
    """A line that runs is billed for more units (T10)."""

    plan = serializers.CharField()
    from_quantity = serializers.IntegerField()
    to_quantity = serializers.IntegerField()
    monthly_unit_price = exact()
    frequency_months = serializers.IntegerField()
    term_ends_on = serializers.DateField()
    parts = PartSerializer(many=True)
    amount = exact(help_text="Charged at once.")
    later_from = serializers.DateField(allow_null=True)
    later_amount = exact(help_text="More in each later period.")
    each_later_amount = exact(help_text="The whole line in each later period.")


class NewLineSerializer(serializers.Serializer):
    """A line that is opened (T11, T17), or resumed after a credit (3.4)."""

    plan = serializers.CharField()
    basis = serializers.ChoiceField(choices=Line.Basis.choices)
    month_to_month = serializers.BooleanField()
    contracted = serializers.IntegerField()
    quantity = serializers.IntegerField()
    currency = serializers.CharField()
    monthly_unit_price = exact()
    anchor_on = serializers.DateField()
    frequency_months = serializers.IntegerField()
    term_months = serializers.IntegerField()
    term_ends_on = serializers.DateField()
    first = PartSerializer(help_text="Charged at once.")
    later_from = serializers.DateField()
    later_amount = exact(help_text="Each later period.")


class ReplacedSerializer(serializers.Serializer):
    """A line whose plan is left: both outcomes of ending it early (3.13)."""

    plan = serializers.CharField()
    quantity = serializers.IntegerField()
    term_ends_on = serializers.DateField()
    free = serializers.BooleanField(help_text="Free lines need no decision.")
    credit = exact(help_text="Given back if Support approves.")
    still_to_bill = exact(help_text="Billed to the term's end if Support declines.")


class EffectSerializer(serializers.Serializer):
    """What a purchase does under the contract. Send its digest with the purchase: if
    anything differs by then, nothing is bought and the new effect comes back (409).
    """

    digest = serializers.CharField()
    on = serializers.DateField(help_text="The account's local day.")
    plan = serializers.CharField()
    currency = serializers.CharField()
    units = serializers.IntegerField()
    covered = serializers.IntegerField(help_text="Units that cost nothing more (T14).")
    contracted = serializers.IntegerField()
    covered_until = serializers.DateField(allow_null=True)
    bills = serializers.BooleanField()
    first_amount = exact(help_text="Charged at once.")
    credit = exact(help_text="Proposed for what it replaces.")
    growth = GrowthSerializer(allow_null=True)
    opened = NewLineSerializer(many=True)
    replaced = ReplacedSerializer(many=True)
