"""Buying through the API: installing, people, roles, plans. The same rules as the pages."""

from decimal import Decimal

import pytest

from accounts import authority, roles
from accounts.models import TermsAcceptance, User
from billing import approvals
from billing.models import Charge, Order
from myapps.models import Installation, Seat
from tests import factories
from tests.api.firms import program

pytestmark = pytest.mark.django_db
WHATEVER = {"effect_digest": None}


def refused(answer, status, code, clause=None):
    said = answer.json()
    assert (answer.status_code, said["code"]) == (status, code)
    assert said.get("clause") == clause
    assert answer["Content-Type"] == "application/problem+json"


@pytest.fixture
def fresh(firm):
    """An app that Alice's company has nothing of: Basic, 4.00 a month for each seat."""
    return factories.PlanFactory(
        app=factories.AppFactory(slug="fresh"), code="basic", name="Basic", price="4.00"
    )


class TestInstalling:
    def asked(self, firm, **more):
        return {
            "app": "fresh",
            "plan": "basic",
            "users": [firm.people[0].pk],
            "emails": [firm.people[1].email.upper()],
            "effect_digest": None,
        } | more

    def test_it_is_a_signed_order_and_answers_the_installation(self, firm, api, fresh):
        answer = api.post("installations/", self.asked(firm))

        assert answer.status_code == 201
        said = answer.json()
        assert (said["app"]["slug"], said["plan"]["code"]) == ("fresh", "basic")
        assert (said["state"], said["seats"]) == ("ACTIVE", 2)
        order = Order.objects.get(pk=said["order"])
        assert (order.placed_by, order.authority) == (
            firm.admin,
            "accounts.install_apps",
        )
        assert order.from_address == "127.0.0.1"
        assert order.summary["total"] == "8.00"
        assert Charge.objects.filter(order=order).total() == 8

    def test_with_roles_their_people_are_seated_and_joiners_later(
        self, firm, api, fresh
    ):
        firm.people[0].groups.add(firm.role.group)
        asked = self.asked(
            firm,
            users=[],
            emails=[],
            roles=[{"role": firm.role.pk, "auto_install": True}],
        )

        said = api.post("installations/", asked).json()

        assert said["seats"] == 2
        (activation,) = api.get(f"installations/{said['id']}/roles/").json()["results"]
        assert (activation["role"]["id"], activation["auto_install"]) == (
            firm.role.pk,
            True,
        )

    def test_its_effect_comes_first_and_its_digest_buys(self, firm, api, fresh):
        asked = self.asked(firm)
        del asked["effect_digest"]
        shown = api.post("installations/effect/", asked)
        assert shown.status_code == 200
        assert not Installation.objects.filter(app=fresh.app).exists()
        effect = shown.json()["effect"]
        assert effect["first_amount"] == "8.00"
        assert effect["opened"][0]["month_to_month"] is True
        counted = api.get("catalogue/fresh/effect/?plan=basic&seats=2").json()
        assert counted["effect"] == effect

        bought = api.post("installations/", asked | {"effect_digest": effect["digest"]})

        assert bought.status_code == 201
        order = api.get(f"orders/{bought.json()['order']}/").json()
        assert order["effect"] == effect
        assert order["effect_digest"] == effect["digest"]

    def test_an_effect_that_changed_buys_nothing_and_answers_the_new_one(
        self, firm, api, fresh
    ):
        asked = self.asked(firm)
        del asked["effect_digest"]
        shown = api.post("installations/effect/", asked).json()["effect"]
        fresh.list_prices.update(monthly_price="5.00")

        answer = api.post("installations/", asked | {"effect_digest": shown["digest"]})

        refused(answer, 409, "effect_changed", "T7")
        assert answer.json()["effect"]["first_amount"] == "10.00"
        assert answer.json()["effect"]["digest"] != shown["digest"]
        assert not Installation.objects.filter(app=fresh.app).exists()

    def test_an_add_on_is_refused(self, firm, api, fresh):
        factories.PlanFactory(app=fresh.app, code="storage", add_on=True, price="1.00")

        answer = api.post("installations/", self.asked(firm, plan="storage"))

        refused(answer, 422, "add_on", "T5")

    def test_the_terms_must_be_accepted(self, firm, api, fresh):
        TermsAcceptance.objects.all().delete()

        answer = api.post("installations/", self.asked(firm))

        refused(answer, 422, "terms_not_accepted", "T7")

    def test_an_app_that_is_installed_is_refused(self, firm, api):
        asked = self.asked(firm, app=firm.app.slug, plan="business")

        refused(api.post("installations/", asked), 409, "installed", "T9")

    def test_what_it_names_must_be_there(self, firm, api, fresh):
        answer = api.post("installations/", self.asked(firm, plan="nothing"))

        refused(answer, 400, "invalid")
        assert answer.json()["errors"][0]["field"] == "plan"

    def test_what_is_signed_covers_it(self, firm, api):
        other = factories.PlanFactory(code="signed", price="9.00")
        factories.LineFactory(
            contract=firm.contract, plan=other, contracted=2, on=firm.on
        )
        asked = self.asked(firm, app=other.app.slug, plan="signed")

        said = api.post("installations/", asked).json()

        effect = api.get(f"orders/{said['order']}/").json()["effect"]
        assert (effect["bills"], effect["covered"]) == (False, 2)


class TestSeats:
    def test_people_above_the_contracted_quantity_are_billed(self, firm, api):
        more = factories.UserFactory.create_batch(8, account=firm.account)
        asked = {"users": [user.pk for user in more]}
        shown = api.post(firm.address + "seats/effect/", asked).json()

        answer = api.post(
            firm.address + "seats/",
            asked | {"effect_digest": shown["effect"]["digest"]},
        )

        assert answer.status_code == 201
        said = answer.json()
        assert said["seats"] == shown["seats"] == 11
        assert said["order"]["effect"]["growth"]["to_quantity"] == 11
        charge = api.get(f"charges/?order={said['order']['id']}").json()["results"][0]
        sum_again = (
            charge["quantity"]
            * float(charge["unit_price"])
            * charge["days"]
            / charge["period_days"]
        )
        assert round(sum_again, 2) == float(charge["amount"])

    def test_rows_are_refused_one_by_one_and_none_is_seated(self, firm, api, stranger):
        gone = factories.UserFactory(account=firm.account, is_active=False)
        new = firm.people[4]
        before = firm.written()
        asked = {
            "users": [new.pk, 10**12, firm.people[0].pk],
            "emails": [new.email, gone.email, stranger.email],
            "already_seated": "refuse",
        }

        answer = api.post(firm.address + "seats/", asked | WHATEVER)

        refused(answer, 422, "rows")
        assert [
            (row["field"], row["row"], row["value"], row["code"])
            for row in answer.json()["errors"]
        ] == [
            ("users.1", 1, str(10**12), "unknown"),
            ("users.2", 2, str(firm.people[0].pk), "has_seat"),
            ("emails.0", 0, new.email, "duplicate"),
            ("emails.1", 1, gone.email, "inactive"),
            ("emails.2", 2, stranger.email, "unknown"),
        ]
        assert firm.written() == before

    def test_those_who_have_a_seat_are_skipped_unless_refused(self, firm, api):
        asked = {"users": [firm.people[0].pk, firm.people[4].pk]}

        assert api.post(firm.address + "seats/", asked | WHATEVER).json()["seats"] == 4

    def test_removing_changes_no_bill_and_may_ask_for_less(self, firm, api):
        charged = Charge.objects.count()
        asked = {"emails": [firm.people[0].email], "lower": True}

        answer = api.post(firm.address + "seats/remove/", asked)

        said = answer.json()
        assert (answer.status_code, said["removed"], said["seats"]) == (200, 1, 2)
        assert said["renewal_changes"][0]["target_quantity"] == 2
        assert Charge.objects.count() == charged

    def test_removing_whom_has_no_seat_is_skipped_or_refused(self, firm, api):
        asked = {"users": [firm.people[4].pk]}
        assert api.post(firm.address + "seats/remove/", asked).json()["removed"] == 0

        answer = api.post(
            firm.address + "seats/remove/", asked | {"not_seated": "refuse"}
        )

        assert answer.json()["errors"][0]["code"] == "no_seat"

    def test_the_list_is_filtered(self, firm, api):
        found = api.get(f"{firm.address}seats/?email={firm.people[0].email}").json()

        assert [row["user"]["id"] for row in found["results"]] == [firm.people[0].pk]
        assert api.get(f"{firm.address}seats/?left_role=true").json()["results"] == []


class TestTenThousand:
    def test_are_seated_in_one_call_by_a_constant_number_of_queries(
        self, firm, api, django_assert_max_num_queries
    ):
        some, many = _addresses(firm, 20), _addresses(firm, 10_000)

        def call(emails):
            return api.post(firm.address + "seats/", {"emails": emails} | WHATEVER)

        with django_assert_max_num_queries(60) as few:
            assert call(some).json()["seats"] == 23
        with django_assert_max_num_queries(len(few)):
            assert call(many).json()["seats"] == 10_023

    def test_one_wrong_row_seats_nobody(self, firm, api):
        emails = _addresses(firm, 9_999)
        emails.insert(7_000, "nobody@nowhere.example")
        before = Seat.objects.count()

        answer = api.post(firm.address + "seats/", {"emails": emails} | WHATEVER)

        refused(answer, 422, "rows")
        assert [row["row"] for row in answer.json()["errors"]] == [7_000]
        assert Seat.objects.count() == before

    def test_one_more_is_too_many(self, firm, api):
        asked = {"emails": [f"p{n}@x.example" for n in range(10_001)]} | WHATEVER

        refused(api.post(firm.address + "seats/", asked), 400, "invalid")


def _addresses(firm, number):
    """What so many new people of the firm sign in with."""
    made = factories.UserFactory.build_batch(number, account=firm.account)
    return [one.email for one in User.objects.bulk_create(made)]


class TestRoles:
    def test_activating_seats_its_people(self, firm, api):
        role = factories.RoleFactory(account=firm.account)
        firm.people[4].groups.add(role.group)
        shown = api.get(f"{firm.address}roles/effect/?role={role.pk}").json()
        assert shown["seats"] == 4

        answer = api.post(
            firm.address + "roles/",
            {"role": role.pk, "effect_digest": shown["effect"]["digest"]},
        )

        assert answer.status_code == 201
        assert answer["ETag"]
        assert firm.installation.seats.filter(role=role).count() == 1
        again = api.post(firm.address + "roles/", {"role": role.pk} | WHATEVER)
        refused(again, 422, "activated")

    def test_auto_install_is_turned_off_and_on_with_the_tag_that_was_read(
        self, firm, api
    ):
        address = f"{firm.address}roles/{firm.activation.pk}/"
        read = api.get(address)
        off = {"auto_install": False} | WHATEVER

        refused(api.patch(address, off), 428, "no_match")
        refused(api.patch(address, off, **{"If-Match": '"x"'}), 412, "stale")
        turned = api.patch(address, off, **{"If-Match": read["ETag"]})
        assert turned.json()["auto_install"] is False
        refused(api.patch(address, off, **{"If-Match": read["ETag"]}), 412, "stale")

        address = f"{firm.address}roles/{turned.json()['id']}/"
        shown = api.get(address + "effect/").json()["effect"]
        on = api.patch(
            address,
            {"auto_install": True, "effect_digest": shown["digest"]},
            **{"If-Match": turned["ETag"]},
        )
        assert on.json()["auto_install"] is True
        assert on.json()["order"] != firm.activation.order_id

    def test_stopping_keeps_seats_and_bill(self, firm, api):
        before = firm.written()

        stopped = api.post(f"{firm.address}roles/{firm.activation.pk}/stop/")

        assert stopped.json()["ended_on"] == str(firm.on)
        after = firm.written()
        for kept in ("Seat", "Charge", "Order"):
            assert after[kept] == before[kept]


class TestTheQueue:
    def test_who_waits_is_shown_and_seated_by_an_order(self, firm, api):
        (waiting,) = api.get(firm.address + "queue/").json()["results"]
        assert waiting["user"]["email"] == firm.people[3].email
        assert waiting["reason"] == "seat_limit"
        asked = {"ids": [waiting["id"]]}
        shown = api.post(firm.address + "queue/effect/", asked).json()

        answer = api.post(
            firm.address + "queue/seat/",
            asked | {"effect_digest": shown["effect"]["digest"]},
        )

        assert (answer.status_code, answer.json()["seats"]) == (201, 4)
        assert answer.json()["order"]["kind"] == "QUEUE"
        again = api.post(firm.address + "queue/seat/", asked | WHATEVER)
        refused(again, 422, "not_queued", "T6")

    def test_who_waits_is_refused(self, firm, api):
        answer = api.post(firm.address + "queue/refuse/", {"all": True})

        assert answer.json() == {"refused": 1}
        assert api.get(firm.address + "queue/").json()["results"] == []
        nobody = api.post(firm.address + "queue/refuse/", {"all": True})
        refused(nobody, 422, "not_queued", "T6")


class TestPlans:
    def test_choices_stand_side_by_side(self, firm, api):
        found = {one["code"]: one for one in api.get(firm.address + "plan/").json()}

        assert set(found) == {"business", "enterprise"}
        assert found["business"]["current"] is True
        assert found["business"]["contracted"] == 10
        assert found["enterprise"]["monthly_price"] == "20.000000"

    def test_both_outcomes_stand_there_before_the_click(self, firm, api):
        said = api.get(firm.address + "plan/effect/?plan=enterprise").json()

        assert said["outcomes"]["proposed"] is True
        assert float(said["outcomes"]["credit"]) > 0
        assert said["outcomes"]["ends_on"] == "2027-01-31"
        assert said["at_renewal"]["days"] == ["2027-01-31"]
        assert said["effect"]["opened"][0]["quantity"] == 3

    def test_changing_now_bills_the_new_plan(self, firm, api):
        shown = api.get(firm.address + "plan/effect/?plan=enterprise").json()["effect"]

        answer = api.post(
            firm.address + "plan/change/",
            {"plan": "enterprise", "effect_digest": shown["digest"]},
        )

        assert answer.status_code == 201
        assert answer.json()["order"]["effect"] == shown
        assert api.get(firm.address).json()["plan"]["code"] == "enterprise"
        again = {"plan": "enterprise"} | WHATEVER
        refused(api.post(firm.address + "plan/change/", again), 422, "same_plan", "T11")

    def test_changing_at_renewal_asks_support(self, firm, api):
        answer = api.post(
            firm.address + "plan/change-at-renewal/",
            {"plan": "enterprise", "reason": "More room", "ticket_wanted": True},
        )

        (change,) = answer.json()
        assert answer.status_code == 201
        assert (change["kind"], change["state"]) == ("PLAN", "UNDECIDED")
        assert change["target_plan"]["code"] == "enterprise"
        assert firm.line.renewal_changes.get(pk=change["id"]).reason == "More room"

    def test_an_add_on_is_refused(self, firm, api):
        asked = {"plan": firm.add_on.code}

        for path in ("plan/change/", "plan/change-at-renewal/"):
            more = WHATEVER if path == "plan/change/" else {}
            refused(api.post(firm.address + path, asked | more), 422, "add_on", "T5")


class TestOneInstallation:
    def test_its_limits_are_set_with_the_tag_that_was_read(self, firm, api):
        read = api.get(firm.address)
        asked = {"monthly_spend_limit": "99.5"}

        refused(api.patch(firm.address, asked), 428, "no_match")
        done = api.patch(firm.address, asked, **{"If-Match": read["ETag"]})
        assert done.json()["seat_limit"] == 3
        assert float(done.json()["monthly_spend_limit"]) == 99.5
        late = api.patch(firm.address, {"seat_limit": 9}, **{"If-Match": read["ETag"]})
        refused(late, 412, "stale")
        firm.installation.refresh_from_db()
        assert firm.installation.seat_limit == 3
        now = api.patch(
            firm.address, {"seat_limit": None}, **{"If-Match": done["ETag"]}
        )
        assert now.json()["seat_limit"] is None

    def test_it_ends_with_its_term_and_can_be_kept_until_then(self, firm, api):
        asked = {"reason": "Unused", "add_ons": [firm.add_on_line.pk]}

        gone = api.post(firm.address + "uninstall/", asked).json()

        assert (gone["state"], gone["ends_on"]) == ("ENDING", "2027-01-31")
        ending = api.get("renewal-changes/?state=UNDECIDED&kind=END").json()["results"]
        assert {one["line"] for one in ending} == {firm.line.pk, firm.add_on_line.pk}
        refused(api.post(firm.address + "uninstall/"), 422, "ending", "T12")
        held = next(one for one in ending if one["line"] == firm.line.pk)
        back = api.post(f"renewal-changes/{held['id']}/withdraw/")
        refused(back, 422, "ending", "T12")
        kept = api.post(firm.address + "keep/").json()
        assert (kept["state"], kept["ends_on"]) == ("ACTIVE", None)
        refused(api.post(firm.address + "keep/"), 422, "not_ending", "T12")

    def test_its_summary_is_what_is_listed_and_no_more(self, firm, api):
        said = api.get(firm.address + "summary/").json()

        assert (said["seats"], said["total"]) == (3, "30.00")

    def test_who_may_only_install_sees_it_and_changes_nothing(self, firm):
        person = factories.UserFactory(account=firm.account)
        role = factories.RoleFactory(account=firm.account)
        authority.grant(role, authority.INSTALL, by=None, on=firm.on, delegates=True)
        roles.join(role, [person], by=None, on=firm.on)
        theirs = program(person)

        assert theirs.get(firm.address).status_code == 200
        for path in ("uninstall/", "keep/", "seats/", "roles/", "plan/change/"):
            refused(theirs.post(firm.address + path), 403, "authority")


class TestAboveTheLimitOfTheAccount:
    """Nothing is bought; the answer is what waits for a second person (ADR 34)."""

    def test_every_purchase_answers_202_with_what_waits(self, firm, api, fresh):
        approvals.set_limit(firm.admin.account, Decimal(0), by=firm.admin, on=firm.on)
        body = {"app": "fresh", "plan": "basic", "users": [firm.people[0].pk]}

        answer = api.post("installations/", body | WHATEVER)

        said = answer.json()
        assert (answer.status_code, said["state"]) == (202, "WAITING")
        assert said["monthly"] == "4.000000"
        assert not Order.objects.filter(app=fresh.app).exists()
        assert api.get(f"approvals/{said['id']}/").json()["order"] is None

    def test_what_is_bought_says_who_approved_it(self, firm, api):
        assert api.get("orders/").json()["results"][0]["approved_by"] is None
