"""Taking in contracts and signed order forms from the sales system: all or nothing."""

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Account
from billing import order_forms, sales_files
from billing.models import Contract, OrderForm
from billing.sales_files import ContractEntry, FormEntry, LineEntry, SalesFile
from journal import activities
from marketplace.catalogue_files import Fault, Reading
from marketplace.catalogue_imports import Outcome, Refused, keep
from marketplace.models import Plan

MOST_PER_PERIOD = Decimal(10) ** 14


@transaction.atomic
def take_in(
    file: SalesFile,
    *,
    day_of: Callable[[str], date],
    each: Callable[[list], Iterable] = iter,
) -> Outcome:
    """Record a file's accounts, contracts and order forms (T14).

    `day_of` says the local day of a time zone: what began before it is charged, each
    period at its own start (3.10). A contract is known by its account and first day, an
    order form by its number: the same again changes nothing. Refused (Refused, with
    every fault): another content under a known number or contract, an unknown app or
    plan, a line outside every contract, overlapping contracts.
    """
    outcome = Outcome()
    accounts = _accounts(file.contracts, outcome, day_of=day_of)
    broken: set[str] = set()
    work = [
        *sorted(file.contracts, key=lambda entry: (entry.account, entry.starts_on)),
        *file.order_forms,
    ]
    plans = _plans(file.order_forms)
    for entry in each(work):
        before = len(outcome.faults)
        if isinstance(entry, ContractEntry):
            _take_contract(
                entry, outcome, account=accounts[entry.account], day_of=day_of
            )
            if len(outcome.faults) > before:
                broken.add(entry.account)
        else:
            _take_form(entry, outcome, accounts, plans, broken=broken, day_of=day_of)
    if outcome.faults:
        raise Refused(outcome.faults)
    return outcome


def _accounts(
    entries: list[ContractEntry], outcome: Outcome, *, day_of
) -> dict[str, Account]:
    """The accounts that have a contract, made or corrected as the file says."""
    found = Account.objects.select_for_update(no_key=True).order_by("pk")
    accounts = {account.slug: account for account in found}
    for slug, entry in {entry.account: entry for entry in entries}.items():
        account = accounts.setdefault(slug, Account(slug=slug))
        new = account.pk is None
        values = {
            "name": entry.name,
            "timezone": entry.timezone,
            "locale": entry.locale,
        }
        keep(account, values, outcome)
        if new:
            activities.record(
                "account.created",
                account=account,
                by=None,
                on=day_of(account.timezone),
                subject=account,
                name=account.name,
                source="import",
            )
    return accounts


def _take_contract(entry: ContractEntry, outcome, *, account: Account, day_of) -> None:
    known = Contract.objects.of(account).filter(starts_on=entry.starts_on).first()
    terms = {
        "currency": entry.currency,
        "term_months": entry.term_months,
        "frequency_months": entry.frequency_months,
        "auto_renews": entry.auto_renews,
        "billed_until": entry.billed_until,
    }
    if known:
        in_file = {"frequency_months": "billing_frequency_months"}
        outcome.faults += [
            Fault(
                f"{entry.place}.{in_file.get(name, name)}",
                f"is {value}, but the contract from {entry.starts_on} was recorded"
                f" with {getattr(known, name)}.",
                "Write it as it was signed; new conditions are a new contract.",
            )
            for name, value in terms.items()
            if getattr(known, name) != value
        ]
        return
    try:
        order_forms.record_contract(
            account, starts_on=entry.starts_on, **terms, by=None,
            on=day_of(account.timezone),
        )  # fmt: skip
    except ValidationError as refusal:
        outcome.faults.append(
            Fault(
                f"{entry.place}.starts_on",
                f"is {entry.starts_on}. {refusal.messages[0]}",
                "Write the first day after the contract before it.",
            )
        )
    else:
        outcome.added["contract"] += 1


def _plans(forms: list[FormEntry]) -> dict[tuple[str, str], Plan]:
    slugs = {line.app for entry in forms for line in entry.lines}
    found = Plan.objects.filter(app__slug__in=slugs).select_related("app")
    return {(plan.app.slug, plan.code): plan for plan in found}


def _take_form(entry: FormEntry, outcome, accounts, plans, *, broken, day_of) -> None:
    known = OrderForm.objects.filter(number=entry.number).first()
    if known:
        outcome.faults += sales_files.differences(entry, _recorded(known, entry.place))
        return
    faults = []
    account = accounts.get(entry.account)
    if account is None:
        faults.append(
            Fault(
                f"{entry.place}.account",
                f'is "{entry.account}", which is no account.',
                "Name an account of this file's contracts, or one known already.",
            )
        )
    contracts = list(Contract.objects.of(account)) if account and account.pk else []
    entries = []
    for line in entry.lines:
        plan = _plan_of(line, plans, outcome, faults)
        contract = next((c for c in contracts if _runs(c, line.starts_on)), None)
        if account and contract is None and entry.account not in broken:
            faults.append(_outside(line, contracts))
        if plan and contract:
            _check_amount(line, contract, faults)
        entries.append(
            {
                "plan": plan,
                "quantity": line.quantity,
                "monthly_unit_price": line.monthly_unit_price,
                "starts_on": line.starts_on,
            }
        )
    outcome.faults += faults
    if faults or entry.account in broken:
        return
    order_forms.record(
        account,
        number=entry.number,
        signed_on=entry.signed_on,
        signed_by=entry.signed_by,
        install_link_to=entry.install_link_to,
        entries=entries,
        content=entry.content,
        by=None,
        on=day_of(account.timezone),
    )
    outcome.added["order form"] += 1
    outcome.added["line"] += len(entries)


def _recorded(known: OrderForm, place: str) -> FormEntry:
    """A recorded order form as the file would say it; read at the same place."""
    return sales_files.form(Reading(known.content, place, []))


def _runs(contract: Contract, day: date) -> bool:
    return contract.starts_on <= day and (
        contract.ends_on is None or day < contract.ends_on
    )


def _outside(line: LineEntry, contracts: list[Contract]) -> Fault:
    runs = [
        f"from {contract.starts_on}"
        + (f" to {contract.ends_on}" if contract.ends_on else "")
        for contract in sorted(contracts, key=lambda contract: contract.starts_on)
    ]
    return Fault(
        f"{line.place}.starts_on",
        f"is {line.starts_on}, a day on which the account has no contract.",
        f"Its contracts run {' and '.join(runs)}."
        if runs
        else "Add its contract to the file.",
    )


def _check_amount(line: LineEntry, contract: Contract, faults: list[Fault]) -> None:
    most = line.monthly_unit_price * line.quantity * contract.frequency_months
    if most >= MOST_PER_PERIOD:
        faults.append(
            Fault(
                f"{line.place}.monthly_unit_price",
                f"comes to {most} {contract.currency} for each billing period.",
                "Check the price and the quantity.",
            )
        )


def _plan_of(line: LineEntry, plans, outcome, faults: list[Fault]) -> Plan | None:
    plan = plans.get((line.app, line.plan))
    of_app = [one for (app, _), one in plans.items() if app == line.app]
    if not of_app:
        faults.append(
            Fault(
                f"{line.place}.app",
                f'is "{line.app}", which is no app of the catalogue.',
                "Import the catalogue first, or name one of its apps.",
            )
        )
        return None
    if plan is None and line.not_listed:
        plan = Plan(app=of_app[0].app, code=line.plan, listed=False)
        values = {
            "name": line.plan_name,
            "kind": line.kind,
            "charge_model": line.charge_model,
            "position": max(one.position for one in of_app) + 1,
        }
        keep(plan, values, outcome)
        plans[line.app, line.plan] = plan
    if plan is None:
        codes = sorted(one.code for one in of_app if one.kind == line.kind)
        faults.append(
            Fault(
                f"{line.place}.plan",
                f'is "{line.plan}", which is no plan of {line.app}.',
                f"Write one of {', '.join(codes)}; or not_listed true, with plan_name"
                " and charge_model.",
            )
        )
        return None
    faults += _misfits(line, plan)
    return plan


def _misfits(line: LineEntry, plan: Plan) -> list[Fault]:
    """What an order form says of a plan against what the plan is."""
    faults = []
    if line.not_listed and plan.listed:
        faults.append(
            Fault(
                f"{line.place}.not_listed",
                f"is true, but {line.app}/{line.plan} is listed.",
                "Write false or leave it out.",
            )
        )
    if line.kind != plan.kind:
        faults.append(
            Fault(
                f"{line.place}.kind",
                f'is "{line.kind.lower()}", but {line.app}/{line.plan} is'
                f" {plan.get_kind_display().lower()}.",
                f'Write "{plan.kind.lower()}".',
            )
        )
    if line.not_listed and not plan.listed and line.charge_model != plan.charge_model:
        faults.append(
            Fault(
                f"{line.place}.charge_model",
                f'is "{line.charge_model.lower()}", but {line.app}/{line.plan} is known'
                f" as {plan.get_charge_model_display()}.",
                f'Write "{plan.charge_model.lower()}".',
            )
        )
    if plan.per_account and line.quantity > 1:
        faults.append(
            Fault(
                f"{line.place}.quantity",
                f"is {line.quantity}, but {line.app}/{line.plan} is charged once for"
                " the account.",
                "Write 1.",
            )
        )
    return faults
