"""A foreign key: 404 on every object, own rows alone in every list, nothing written.

The routes are those of the router: a new one is covered here, or fails.
"""

from dataclasses import dataclass

import pytest
from django.urls import reverse

from accounts.models import ApiKey, Role, User
from billing.models import Charge, Line, Order, RenewalChange
from config.api_urls import urlpatterns
from myapps.models import Installation, JoinEvent, RoleActivation, Seat, WaitingPurchase
from support.api import pk_of
from support.models import Ticket
from tests.fuzz import things

pytestmark = pytest.mark.django_db

# What each list of an account shows, by its basename; and which object of Alice's firm
# its details are asked for. None: no rows of an account.
OWNED = {
    "catalogue": None,
    "installations": (Installation, "installation"),
    "seats": (Seat, None),
    "activations": (RoleActivation, "activation"),
    "queue": (JoinEvent, "waiting"),
    "plan": None,
    "contract": None,
    "lines": (Line, "line"),
    "charges": (Charge, "charge"),
    "orders": (Order, "order"),
    "renewal-changes": (RenewalChange, "change"),
    "people": (User, "person"),
    "roles": (Role, "role"),
    "requests": (Ticket, "ticket"),
    "approvals": (WaitingPurchase, "purchase"),
}


@dataclass(frozen=True)
class Route:
    """An address of the API: its name, the ids in it, what each method does there."""

    name: str
    ids: frozenset
    actions: dict
    basename: str
    viewset: type


PUBLIC = {"api-schema", "api-docs", None}
"""The schema, its page, and the 404 of every other address."""


def routes(patterns=urlpatterns):
    """Every address under /api/v1/ that needs a key."""
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from routes(pattern.url_patterns)
        elif pattern.name not in PUBLIC:
            view = pattern.callback
            actions = dict(view.actions)
            actions.pop("head", None)
            yield Route(
                pattern.name,
                frozenset(pattern.pattern.regex.groupindex),
                actions,
                view.initkwargs.get("basename", pattern.name),
                view.cls,
            )


def of_accounts():
    account = ApiKey.Audience.ACCOUNT
    return [one for one in routes() if audience_of(one.viewset) == account]


def audience_of(viewset):
    return viewset.permission_classes[0].authority[0]


def objects_of(firm):
    return {
        "installation": firm.installation,
        "activation": firm.activation,
        "waiting": firm.waiting,
        "line": firm.line,
        "charge": firm.line.charges.first(),
        "order": firm.installation.order,
        "change": firm.change,
        "person": firm.people[0],
        "role": firm.role,
        "ticket": firm.ticket,
        "purchase": WaitingPurchase.objects.get(account=firm.account),
    }


@pytest.fixture(autouse=True)
def something_waits(firm, other_firm):
    """A purchase of each firm waits for its second person."""
    for one in (firm, other_firm):
        things.account(one)


def test_every_list_of_an_account_says_whose_rows_it_shows():
    assert {route.basename for route in of_accounts()} == set(OWNED)


def test_an_object_of_another_account_is_not_there(firm, foreign, other_firm):
    mine = objects_of(firm)
    asked = []
    before = firm.written(), other_firm.written()

    for route in of_accounts():
        name, ids, methods = route.name, route.ids, route.actions
        kwargs = {"installation": firm.installation.pk}
        if "pk" in ids:
            kwargs["pk"] = mine[OWNED[route.basename][1]].pk
        if "number" in ids:
            kwargs["number"] = mine[OWNED[route.basename][1]].number
        wanted = [{one: kwargs[one] for one in ids - {"slug"}}]
        if {"installation", "pk"} <= ids:
            own = {"installation": other_firm.installation.pk, "pk": kwargs["pk"]}
            wanted.append(own)
        if ids - {"slug"}:
            asked += [(m, reverse(name, kwargs=ids)) for ids in wanted for m in methods]
    answers = [
        (method, address, foreign(method, address, {}, **{"If-Match": "*"}).status_code)
        for method, address in asked
    ]

    assert len(answers) > 20
    assert [one for one in answers if one[2] != 404] == []
    assert (firm.written(), other_firm.written()) == before


def test_a_list_shows_own_rows_alone(firm, foreign, other_firm):
    for route in of_accounts():
        if route.actions.get("get") != "list" or OWNED[route.basename] is None:
            continue
        model, _object = OWNED[route.basename]
        kwargs = {"installation": other_firm.installation.pk} if route.ids else {}

        found = foreign.get(
            reverse(route.name, kwargs=kwargs) + "?page_size=500"
        ).json()

        shown = {
            row["id"] if "id" in row else pk_of(row["number"])
            for row in found["results"]
        }
        accounts = model.objects.filter(pk__in=shown).values_list("account", flat=True)
        assert set(accounts) == {other_firm.account.pk}, route.name
        assert model.objects.filter(account=firm.account).exists()


def foreign_ids(value, objects):
    """The ids of the objects that a value names; anything else as it is."""
    if isinstance(value, list):
        return [objects[one].pk for one in value]
    return objects[value].pk if value in objects else value


class TestABody:
    """What a body names must be the account's own, too."""

    def test_naming_foreign_people_is_unknown(self, firm, foreign, other_firm):
        before = other_firm.written()
        asked = {"users": [firm.people[4].pk], "emails": [firm.people[3].email]}

        answer = foreign.post(
            other_firm.address + "seats/", asked | {"effect_digest": None}
        )

        assert answer.status_code == 422
        assert [row["code"] for row in answer.json()["errors"]] == ["unknown"] * 2
        assert other_firm.written() == before

    @pytest.mark.parametrize(
        ("path", "asked", "status"),
        [
            ("roles/", {"role": "role", "effect_digest": None}, 404),
            ("queue/seat/", {"ids": ["waiting"], "effect_digest": None}, 422),
            ("queue/refuse/", {"ids": ["waiting"]}, 422),
            ("uninstall/", {"add_ons": ["add_on_line"]}, 422),
        ],
    )
    def test_naming_foreign_objects_is_refused(
        self, firm, foreign, other_firm, path, asked, status
    ):
        objects = objects_of(firm) | {"add_on_line": firm.add_on_line}
        asked = {name: foreign_ids(value, objects) for name, value in asked.items()}
        before = firm.written(), other_firm.written()

        assert foreign.post(other_firm.address + path, asked).status_code == status
        assert (firm.written(), other_firm.written()) == before

    @pytest.mark.parametrize("named", ["installation", "line"])
    def test_a_renewal_change_of_anothers_is_not_there(
        self, firm, foreign, other_firm, named
    ):
        asked = {named: objects_of(firm)[named].pk}
        if named == "installation":
            asked["quantity"] = 4
        before = firm.written()

        assert foreign.post("renewal-changes/", asked).status_code == 404
        assert firm.written() == before
