"""What an account's software reads: marketplace, lines, charges, orders, people, pages."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing import charges
from billing.models import Charge
from tests import factories

pytestmark = pytest.mark.django_db


def ids(answer):
    return [row["id"] for row in answer.json()["results"]]


class TestTheCatalogue:
    @pytest.fixture(autouse=True)
    def apps(self, firm):
        for name, price in [("Zebra", "3.00"), ("Alpaca", "9.00"), ("Marmot", "6.00")]:
            app = factories.AppFactory(slug=name.lower(), name=name, category="Animals")
            factories.PlanFactory(app=app, code="basic", price=price)
        elsewhere = factories.AppFactory(slug="yak", name="Yak", category="Animals")
        factories.PlanFactory(app=elsewhere, price="1.00", price__currency="EUR")
        factories.AppFactory(slug="secret", name="Secret", state="DRAFT")

    def slugs(self, api, asked):
        return [row["slug"] for row in api.get(f"catalogue/{asked}").json()["results"]]

    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            ("?category=Animals", ["alpaca", "marmot", "zebra"]),
            ("?category=Animals&sort=price", ["zebra", "marmot", "alpaca"]),
            ("?category=Animals&show=all", ["alpaca", "marmot", "yak", "zebra"]),
            ("?category=Animals&price_to=5", ["zebra"]),
            ("?q=zebra", ["zebra"]),
            ("?q=zebr", ["zebra"]),
            ("?q=secret&show=all", []),
        ],
    )
    def test_it_is_searched_as_the_page_is(self, api, asked, found):
        assert self.slugs(api, asked) == found

    @pytest.mark.parametrize(
        "asked",
        [
            "",
            "?sort=price",
            "?sort=newest",
            "?q=basic&show=all",
            "?show=all&sort=price",
        ],
    )
    def test_its_pages_hold_everything_once(self, api, asked):
        for number in range(5):
            app = factories.AppFactory(name=f"Basic {number}")
            factories.PlanFactory(app=app, price="4.00" if number % 2 else "8.00")
        whole = self.slugs(api, asked)
        paged, address = [], f"/api/v1/catalogue/{asked or '?'}&page_size=2"
        while address:
            page = api.get(address.replace("http://testserver", "")).json()
            paged += [row["slug"] for row in page["results"]]
            address = page["next"]

        assert len(whole) >= 4
        assert paged == whole

    def test_what_makes_no_sense_is_refused(self, api):
        answer = api.get("catalogue/?sort=size&price_from=9&price_to=1")

        assert answer.status_code == 400
        assert {row["field"] for row in answer.json()["errors"]} == {"sort", "price_to"}

    def test_an_app_has_its_plans_in_the_contracts_currency(self, firm, api):
        said = api.get(f"catalogue/{firm.app.slug}/").json()

        plans = {plan["code"]: plan for plan in said["plans"]}
        assert plans["business"]["monthly_price"] == "10.000000"
        assert (plans["business"]["contracted"], plans["business"]["may_choose"]) == (
            10,
            True,
        )
        assert plans[firm.add_on.code]["kind"] == "ADD_ON"
        assert plans[firm.add_on.code]["may_choose"] is False
        assert said["installation"] == firm.installation.pk

    def test_a_draft_is_not_there(self, api):
        assert api.get("catalogue/secret/").status_code == 404

    def test_a_summary_is_indicative(self, api):
        said = api.get("catalogue/zebra/summary/?plan=basic&seats=3").json()

        assert (said["monthly_price"], said["total"]) == ("3.000000", "9.00")

    def test_an_add_on_has_no_effect(self, firm, api):
        asked = f"catalogue/{firm.app.slug}/effect/?plan={firm.add_on.code}&seats=1"

        answer = api.get(asked)

        assert (answer.status_code, answer.json()["code"]) == (422, "add_on")


class TestBilling:
    def test_a_line_says_what_is_contracted_active_and_billed(self, firm, api):
        line = api.get(f"lines/{firm.line.pk}/").json()

        assert line["monthly_unit_price"] == "7.250000"
        assert (line["active"], line["held"], line["each_period"]) == (3, 0, "72.50")
        assert line["term"] == {
            "starts_on": "2026-01-31",
            "ends_on": "2027-01-31",
            "contracted": 10,
            "peak": 0,
            "billed": 10,
            "billed_until": "2026-11-30",
        }
        assert line["order_form"] == firm.line.order_form.number
        assert ids(api.get("lines/?running=true")) == [
            firm.line.pk,
            firm.add_on_line.pk,
        ]
        assert ids(api.get("lines/?running=false")) == []

    def test_charges_are_filtered_and_add_up(self, firm, api):
        found = api.get(
            f"charges/?app={firm.app.slug}&origin=ORDER_FORM"
            "&billed_from=2026-10-01&billed_until=2026-11-01"
        ).json()["results"]

        assert {row["amount"] for row in found} == {"72.50", "6.00"}
        assert {row["billed_on"] for row in found} == {"2026-10-31"}
        everything = api.get("charges/?page_size=500").json()["results"]
        assert len(everything) == Charge.objects.of(firm.account).count()

    def test_a_filter_that_cannot_be_read_is_refused(self, api):
        answer = api.get("charges/?billed_from=yesterday&origin=nowhere")

        assert answer.status_code == 400
        fields = {row["field"] for row in answer.json()["errors"]}
        assert fields == {"billed_from", "origin"}

    def test_orders_say_who_by_which_role_and_what_was_shown(self, firm, api):
        order = api.get(f"orders/{firm.installation.order_id}/").json()

        assert order["placed_by"]["email"] == firm.admin.email
        assert order["permission"] == "accounts.install_apps"
        assert order["effect"]["covered"] == 3
        assert ids(api.get("orders/?kind=INSTALL")) == [order["id"]]

    def test_the_contract_says_its_term_and_the_day(self, firm, api):
        said = api.get("contract/").json()

        assert (said["currency"], said["frequency_months"]) == ("USD", 1)
        assert (said["term_starts_on"], said["term_ends_on"]) == (
            "2026-01-31",
            "2027-01-31",
        )
        assert said["today"] == str(firm.on)


class TestRenewalChanges:
    def test_fewer_is_asked_for_and_taken_back(self, firm, api):
        asked = {"installation": firm.installation.pk, "quantity": 4, "reason": "Fewer"}

        answer = api.post("renewal-changes/", asked)

        (change,) = answer.json()
        assert answer.status_code == 201
        assert (change["kind"], change["target_quantity"]) == ("LOWER", 4)
        before = api.get(f"renewal-changes/{firm.change.pk}/").json()
        assert before["state"] == "SUPERSEDED"
        back = api.post(f"renewal-changes/{change['id']}/withdraw/").json()
        assert back["state"] == "WITHDRAWN"
        again = api.post(f"renewal-changes/{change['id']}/withdraw/")
        assert (again.status_code, again.json()["code"]) == (422, "settled")

    def test_an_add_on_is_ended_and_an_installed_plan_is_not(self, firm, api):
        (change,) = api.post("renewal-changes/", {"line": firm.add_on_line.pk}).json()
        assert (change["kind"], change["target_quantity"]) == ("END", 0)

        answer = api.post("renewal-changes/", {"line": firm.line.pk})

        assert answer.json()["code"] == "installed_plan"
        assert answer.json()["clause"] == "T12"

    @pytest.mark.parametrize(
        ("quantity", "code"), [(2, "in_use"), (10, "not_lower"), (99, "not_lower")]
    )
    def test_a_quantity_is_below_what_is_billed_and_not_below_what_is_used(
        self, firm, api, quantity, code
    ):
        asked = {"installation": firm.installation.pk, "quantity": quantity}

        answer = api.post("renewal-changes/", asked)

        assert (answer.status_code, answer.json()["code"]) == (422, code)

    @pytest.mark.parametrize(
        "asked", [{}, {"quantity": 4}, {"installation": 1}, {"line": 1, "quantity": 3}]
    )
    def test_half_a_wish_is_refused(self, api, asked):
        assert api.post("renewal-changes/", asked).status_code == 400


class TestPeople:
    def test_whom_to_seat_is_found(self, firm, api):
        someone = firm.people[3]

        found = api.get(f"people/?role={firm.role.pk}&is_active=true").json()["results"]

        assert [row["email"] for row in found] == [someone.email]
        assert found[0]["roles"] == [{"id": firm.role.pk, "name": "Callers"}]
        assert ids(api.get(f"people/?email={someone.email.upper()}")) == [someone.pk]
        assert someone.pk in ids(api.get(f"people/?q={someone.display_name}"))

    def test_a_role_says_what_it_may_and_how_many_are_in_it(self, firm, api):
        role = api.get(f"roles/{firm.role.pk}/").json()

        assert (role["people"], role["permissions"]) == (1, ["launch_apps"])


class TestPages:
    def test_nothing_is_skipped_or_shown_twice_while_rows_come_in(self, firm, api):
        factories.UserFactory.create_batch(20, account=firm.account)
        there = {user.pk for user in firm.account.users.all()}
        seen, address = [], "people/?page_size=4"
        while address:
            page = api.get(address.replace("http://testserver", "")).json()
            seen += [row["id"] for row in page["results"]]
            address = page["next"]
            if len(seen) < 16:
                factories.UserFactory(account=firm.account)

        assert len(seen) == len(set(seen))
        assert there <= set(seen)

    def test_newest_first_keeps_its_place_while_rows_come_in(self, firm, api):
        there = [
            charge.pk for charge in Charge.objects.of(firm.account).order_by("-id")
        ]
        first = api.get("charges/?page_size=5").json()
        line = firm.line
        term = line.terms.get()
        (part, *_) = charges.to_come(line, term, quantity=1)
        charges.write(term, part, reason="PERIOD", cause="late", on=firm.on)
        rest = api.get(
            first["next"].replace("http://testserver", "") + "&page_size=500"
        ).json()

        seen = [row["id"] for row in [*first["results"], *rest["results"]]]
        assert seen == there

    @pytest.mark.parametrize(
        "cursor", ["x", "cD1hYmM=", "bz0xJnA9MSUwMA==", "r=1", "cD0tOTk5OTk5OTk5OTk5"]
    )
    @pytest.mark.parametrize("path", ["people/", "charges/", "catalogue/"])
    def test_a_cursor_from_nowhere_is_no_error_of_ours(self, api, path, cursor):
        assert api.get(f"{path}?cursor={cursor}").status_code in {200, 404}

    def test_lists_cost_the_same_however_long(self, firm, api):
        paths = [
            *("people/", "roles/", "orders/", "charges/", "lines/", "installations/"),
            *("renewal-changes/", "catalogue/", f"{firm.address}seats/"),
            *(f"{firm.address}roles/", f"{firm.address}queue/"),
            f"{firm.address}plan/",
        ]

        def cost():
            found = {}
            for path in paths:
                with CaptureQueriesContext(
                    connection,
                ) as queries:
                    assert api.get(path).status_code == 200
                found[path] = len(queries)
            return found

        api.get("contract/")
        few = cost()
        for _number in range(4):
            role = factories.RoleFactory(account=firm.account)
            user = factories.UserFactory(account=firm.account)
            user.groups.add(role.group)
            plan = factories.PlanFactory(price="1.00")
            factories.LineFactory(contract=firm.contract, plan=plan, on=firm.on)
            api.post(
                "installations/",
                {
                    "app": plan.app.slug,
                    "plan": plan.code,
                    "users": [user.pk],
                    "effect_digest": None,
                },
            )
            api.post(f"{firm.address}roles/", {"role": role.pk, "effect_digest": None})
        many = cost()

        assert many == few
        assert max(few.values()) <= 25
