"""The partner's API: each endpoint, what it refuses, and what is another partner's."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from accounts import authority, terms
from accounts.models import ApiKey
from billing.models import Charge, Line
from journal.models import Attempt, Endpoint, Message
from marketplace import listings
from marketplace.models import App, ListPrice
from myapps import installs, provisioning, signing
from myapps.models import AddOnActivation, Difference, Installation, Seat
from tests import factories
from tests.api.firms import program

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def partner(partner_user):
    partner = factories.PartnerFactory(slug="ironwood", name="Ironwood")
    partner.members.add(partner_user)
    return partner


@pytest.fixture
def endpoint(partner):
    return Endpoint.objects.create(
        partner_id=partner.pk, address="https://partner.example/hooks",
        verified_at=AT, secret="whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0",
    )  # fmt: skip


@pytest.fixture
def plan(partner):
    return factories.PlanFactory(
        app__slug="box", app__name="Box", app__partner=partner, code="business",
        name="Business", price=Decimal("10.00"),
    )  # fmt: skip


@pytest.fixture
def contract(account):
    return factories.ContractFactory(account=account)


@pytest.fixture
def installation(account, admin, plan, contract, endpoint, today):
    """Two people, waiting for the partner's answer."""
    terms.accept(admin, version=factories.TermsVersionFactory(), on=today)
    signed = signing.sign(
        admin, authority.INSTALL, key="one", agreed=None, summary=None, on=today
    )
    users = factories.UserFactory.create_batch(2, account=account)
    return installs.install(account, plan, users, roles={}, signed=signed, on=today)


@pytest.fixture
def add_on(plan, contract):
    """Four units of an add-on of Box."""
    shield = factories.PlanFactory(app=plan.app, add_on=True, code="shield")
    return factories.LineFactory(contract=contract, plan=shield, contracted=4)


@pytest.fixture
def api(partner_user, partner, present):
    return program(partner_user, audience="PARTNER")


@pytest.fixture
def foreign(present):
    """Another partner's program, which may do everything with its own."""
    other = factories.UserFactory(account=None, kind="PARTNER")
    factories.AppFactory().partner.members.add(other)
    return program(other, audience="PARTNER")


def at(row, *more):
    return "/".join(["partner", "installations", str(row.pk), *more, ""])


def code(answer):
    assert answer["Content-Type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


class TestInstallations:
    def test_one_is_shown_without_a_price(self, api, installation, account):
        answer = api.get(at(installation))

        said = answer.json()
        assert said["state"] == "installing"
        assert said["account"]["name"] == account.name
        assert said["plan"] == {"code": "business", "name": "Business"}
        assert said["seats_count"] == 2
        assert said["health"]["state"] == "WAITING"
        assert answer["ETag"] == f'"{said["version"]}"'
        for word in ("price", "amount", "currency", "contract"):
            assert word not in answer.content.decode()

    def test_the_list_is_filtered(self, api, installation):
        assert (
            len(api.get("partner/installations/?waiting=true").json()["results"]) == 1
        )
        assert api.get("partner/installations/?waiting=false").json()["results"] == []
        assert api.get("partner/installations/?app=other").json()["results"] == []

    def test_seats_come_page_by_page(self, api, installation):
        first = api.get(at(installation, "seats") + "?page_size=1").json()
        second = api.get(first["next"].partition("/api/v1/")[2]).json()

        people = [*first["results"], *second["results"]]
        seated = set(installation.seats.values_list("user", flat=True))
        assert {one["id"] for one in people} == seated
        assert second["next"] is None

    def test_confirming_makes_it_active(self, api, installation):
        answer = api.post(at(installation, "confirm"), {"answer": "Workspace 7"})

        assert answer.status_code == 200
        assert (answer.json()["state"], answer.json()["answer"]) == (
            "active",
            "Workspace 7",
        )

    def test_refusing_pays_back_and_needs_a_reason(self, api, installation, account):
        assert api.post(at(installation, "refuse"), {}).status_code == 400

        answer = api.post(at(installation, "refuse"), {"reason": "No workspace"})

        assert answer.json()["state"] == "failed"
        assert Charge.objects.of(account).total() == 0

    def test_a_late_answer_meets_409(self, api, installation, today):
        provisioning.expire(installation.pk, on=today + timedelta(days=7))

        for verb, body in [("confirm", {}), ("refuse", {"reason": "Sorry"})]:
            assert code(api.post(at(installation, verb), body)) == (409, "answered")

    def test_the_same_call_twice_answers_once(self, api, installation):
        once = {"Idempotency-Key": "confirm-1"}
        first = api.post(at(installation, "confirm"), {}, **once)
        again = api.post(at(installation, "confirm"), {}, **once)

        assert first.status_code == again.status_code == 200
        assert again["Idempotency-Replayed"] == "true"
        other = api.post(at(installation, "confirm"), {"answer": "x"}, **once)
        assert code(other) == (422, "key_reused")


class TestDrift:
    def test_a_list_is_compared_and_cleared(self, api, installation):
        seated = list(installation.seats.values_list("user__email", flat=True))

        said = api.post(
            at(installation, "users"),
            {"emails": [seated[0].upper(), "ghost@x.example"]},
        ).json()
        listed = api.get(at(installation, "differences")).json()["results"]

        assert said == {"said": 2, "seats": 2, "missing": 1, "extra": 1}
        assert {(one["kind"], one["said"]) for one in listed} == {
            ("MISSING", ""),
            ("EXTRA", "ghost@x.example"),
        }
        assert api.get(at(installation)).json()["differences_count"] == 2
        again = api.post(at(installation, "users"), {"emails": seated}).json()
        assert (again["missing"], again["extra"]) == (0, 0)
        assert not Difference.objects.exists()

    def test_guessing_ids_names_nobody_without_a_seat(
        self, api, installation, admin, member, client_of, partner_user
    ):
        people = [admin.pk, member.pk]
        api.post(at(installation, "users"), {"ids": people, "emails": [admin.email]})

        listed = api.get(at(installation, "differences")).json()["results"]
        page = client_of(partner_user).get(
            f"/partner/installations/{installation.pk}/differences/"
        )

        extra = [one for one in listed if one["kind"] == "EXTRA"]
        said = sorted(one["said"] for one in extra)
        assert said == sorted([*map(str, people), admin.email])
        assert {one["person"] for one in extra} == {None}
        for word in (admin.display_name, member.display_name, member.email):
            assert word not in page.content.decode()

    def test_repairing_sends_the_truth(self, api, installation, endpoint):
        assert code(api.post(at(installation, "repair"))) == (422, "no_drift")
        api.post(at(installation, "users"), {"ids": [10**15]})
        seats = Seat.objects.count()

        answer = api.post(at(installation, "repair"))

        assert answer.status_code == 200
        assert Message.objects.filter(event="app.updated").count() == 1
        assert Seat.objects.count() == seats

    @pytest.mark.parametrize(
        "body", [{"ids": ["x"]}, {"ids": [0]}, {"emails": 3}, {"emails": ["x" * 255]}]
    )
    def test_a_list_that_is_none_is_pointed_at(self, api, installation, body):
        answer = api.post(at(installation, "users"), body)

        assert code(answer) == (400, "invalid")
        assert answer.json()["errors"][0]["field"].startswith(next(iter(body)))


class TestAddOns:
    @pytest.fixture
    def installed(self, installation):
        Installation.objects.update(state="ACTIVE", confirm_by=None)

    def test_units_go_on_and_off(self, api, add_on, installed, partner_user):
        line = f"partner/add-ons/{add_on.pk}/"

        made = api.post(f"{line}activate/", {"quantity": 3})
        shown = api.get(line).json()

        assert made.status_code == 201
        assert made.json()["activated_by"] == partner_user.display_name
        assert (shown["contracted"], shown["active"], shown["left"]) == (4, 3, 1)
        off = api.post(f"partner/activations/{made.json()['id']}/deactivate/")
        assert off.json()["deactivated_on"] is not None
        assert code(
            api.post(f"partner/activations/{made.json()['id']}/deactivate/")
        ) == (
            422,
            "not_active",
        )

    def test_what_is_refused_has_a_code(self, api, add_on, installed, today):
        line = f"partner/add-ons/{add_on.pk}/activate/"

        def refusal():
            answer = api.post(line, {"quantity": 1})
            assert answer.json()["clause"] in {"T16", "T9"}
            return code(answer)

        assert code(api.post(line, {"quantity": 5})) == (422, "over_quantity")
        Line.objects.filter(pk=add_on.pk).update(starts_on=today + timedelta(days=1))
        assert refusal() == (422, "not_running")
        Line.objects.filter(pk=add_on.pk).update(
            starts_on=add_on.starts_on, ends_on=today
        )
        assert refusal() == (422, "not_running")
        Line.objects.filter(pk=add_on.pk).update(ends_on=None)
        Installation.objects.update(closed_on=today)
        assert refusal() == (422, "not_installed")
        assert not AddOnActivation.objects.exists()

    def test_by_plan_and_account(self, api, add_on, installed, account, plan, foreign):
        asked = {"app": "box", "plan": "shield", "account": account.pk, "quantity": 2}
        other = factories.PlanFactory(app=plan.app, add_on=True, code="sword")

        made = api.post("partner/activations/", asked)

        assert (made.status_code, made.json()["line"]) == (201, add_on.pk)
        for wrong in [{"plan": other.code}, {"account": 10**12}]:
            answer = api.post("partner/activations/", asked | wrong)
            assert code(answer) == (422, "not_contracted")
        answer = api.post("partner/activations/", asked | {"plan": "business"})
        assert code(answer) == (422, "base_plan")
        assert code(foreign.post("partner/activations/", asked)) == (404, "not_found")


class TestListings:
    DRAFT = {
        "name": "Deep Listen",
        "category": "Analytics",
        "tagline": "Hears callers",
        "description": "Reads every call.",
        "currency": "USD",
    }

    def test_from_a_draft_to_the_marketplace(self, api, sales, today, present):
        app = api.post("partner/listings/", self.DRAFT)
        assert (app.status_code, app.json()["slug"]) == (201, "deep-listen")
        assert code(api.post("partner/listings/deep-listen/submit/")) == (
            422,
            "incomplete",
        )
        plan = api.post(
            "partner/plans/",
            {"app": "deep-listen", "code": "team", "name": "Team",
             "charge_model": "PER_SEAT"},
        )  # fmt: skip
        assert plan.status_code == 201
        price = {
            "plan": plan.json()["id"], "currency": "USD", "monthly_price": "9.00",
            "effective_from": (today + timedelta(days=3)).isoformat(),
        }  # fmt: skip
        assert api.post("partner/prices/", price).status_code == 201
        assert code(
            api.post("partner/prices/", price | {"effective_from": today.isoformat()})
        ) == (422, "past_day")

        review = api.post("partner/listings/deep-listen/submit/")
        assert review.json()["state"] == "IN_REVIEW"
        listings.publish(App.objects.get(), by=sales, on=today)

        assert api.get("partner/listings/deep-listen/").json()["state"] == "PUBLISHED"

    def test_two_editors_meet_if_match(self, api, partner):
        api.post("partner/listings/", self.DRAFT)
        here = "partner/listings/deep-listen/"
        seen = api.get(here)["ETag"]

        assert code(api.patch(here, {"tagline": "A"})) == (428, "no_match")
        first = api.patch(here, {"tagline": "B"}, **{"If-Match": seen})
        assert first.status_code == 200
        assert code(api.patch(here, {"tagline": "C"}, **{"If-Match": seen})) == (
            412,
            "stale",
        )
        assert App.objects.get().tagline == "B"

    def test_a_published_listing_gets_a_proposal(self, api, plan):
        here = "partner/listings/box/"
        seen = api.get(here)["ETag"]

        said = api.patch(here, {"tagline": "New"}, **{"If-Match": seen}).json()

        assert said["tagline"] == ""
        assert said["proposed"] == {"details": {"tagline": "New"}}
        plan_at = f"partner/plans/{plan.pk}/"
        seen = api.get(plan_at)["ETag"]
        fixed = api.patch(
            plan_at, {"charge_model": "PER_ACCOUNT"}, **{"If-Match": seen}
        )
        assert code(fixed) == (422, "published")
        api.patch(plan_at, {"name": "Crew"}, **{"If-Match": seen})
        assert api.post(f"{here}discard/").json()["proposed"] == {}
        assert code(api.post(f"{here}take-back/")) == (422, "not_in_review")

    def test_prices_to_come_can_be_taken_back(self, api, plan, today):
        coming = factories.ListPriceFactory(
            plan=plan, currency="EUR", effective_from=today + timedelta(days=9)
        )
        listed = plan.list_prices.get(currency="USD")

        assert api("DELETE", f"partner/prices/{coming.pk}/").status_code == 204
        assert code(api("DELETE", f"partner/prices/{listed.pk}/")) == (422, "past_day")
        assert ListPrice.objects.get() == listed

    def test_plans_of_a_draft_can_go(self, api, partner, plan):
        api.post("partner/listings/", self.DRAFT)
        made = api.post(
            "partner/plans/",
            {"app": "deep-listen", "code": "team", "name": "Team",
             "charge_model": "PER_SEAT"},
        ).json()  # fmt: skip

        assert api("DELETE", f"partner/plans/{made['id']}/").status_code == 204
        assert code(api("DELETE", f"partner/plans/{plan.pk}/")) == (422, "published")


class TestWebhooks:
    ADDRESS = {"address": "https://hooks.ironwood.example/appconnect"}

    def test_an_endpoint_shows_its_secret_once(self, api, partner):
        made = api.post("partner/endpoints/", self.ADDRESS)

        assert made.status_code == 201
        assert made.json()["secret"].startswith("whsec_")
        assert (made.json()["partner"], made.json()["state"]) == (
            "ironwood",
            "UNVERIFIED",
        )
        one = f"partner/endpoints/{made.json()['id']}/"
        assert "secret" not in api.get(one).json()
        assert Message.objects.get().event == "endpoint.verify"
        assert code(api.post("partner/endpoints/", self.ADDRESS)) == (422, "registered")
        assert code(api.post(f"{one}test/")) == (422, "unverified")
        assert api.post(f"{one}challenge/").status_code == 200

    def test_an_address_that_may_not_be_asked_is_refused(self, api, partner):
        answer = api.post("partner/endpoints/", {"address": "https://169.254.169.254/"})

        assert code(answer) == (422, "address")

    def test_rotate_test_disable_enable_replay(self, api, endpoint, partner):
        one = f"partner/endpoints/{endpoint.pk}/"

        secret = api.post(f"{one}rotate/").json()["secret"]
        endpoint.refresh_from_db()
        assert endpoint.secret == secret
        assert code(api.post(f"{one}rotate/")) == (422, "rotating")
        sent = api.post(f"{one}test/").json()["delivery"]
        assert Message.objects.get(public_id=sent).event == "endpoint.test"
        assert api.post(f"{one}disable/").json()["state"] == "DISABLED"
        assert code(api.post(f"{one}replay/", {"since": "2026-11-01T00:00:00Z"})) == (
            422,
            "disabled",
        )
        assert api.post(f"{one}enable/").json()["state"] == "WORKING"
        Message.objects.update(delivered_at=AT)
        again = api.post(f"{one}replay/", {"since": "2020-11-01T00:00:00Z"})
        assert again.json() == {"replayed": 1}

    def test_a_delivery_shows_request_and_answer(self, api, installation):
        message = Message.objects.get()
        Attempt.objects.create(
            message=message, number=1, address="https://partner.example/hooks", at=AT,
            headers={"webhook-id": message.public_id}, status=503,
            answer_headers={"retry-after": "5"}, answer="Busy", error="503",
        )  # fmt: skip

        (row,) = api.get("partner/deliveries/?event=app.installed").json()["results"]
        said = api.get(f"partner/deliveries/{row['id']}/").json()

        assert row["id"] == message.public_id
        assert said["body"]["data"]["installation"]["id"] == installation.pk
        assert said["tries"][0]["status"] == 503
        assert said["tries"][0]["answer"] == "Busy"
        replay = f"partner/deliveries/{row['id']}/replay/"
        assert code(api.post(replay)) == (422, "waiting")
        Message.objects.update(delivered_at=AT)
        assert api.post(replay).json()["state"] == "WAITING"

    def test_own_keys_are_read(self, api, foreign):
        (mine,) = api.get("partner/keys/").json()["results"]

        assert mine["prefix"] == api.token.partition(".")[0]
        assert "digest" not in mine
        theirs = ApiKey.objects.get(prefix=foreign.token.partition(".")[0])
        assert code(api.get(f"partner/keys/{theirs.pk}/")) == (404, "not_found")


class TestOtherPartners:
    def test_nothing_of_another_partner_exists(
        self, foreign, installation, add_on, plan, endpoint, account
    ):
        activation = AddOnActivation.objects.create(
            account=account, line=add_on, quantity=1, activated_on=AT.date(),
            activated_by=installation.installed_by,
        )  # fmt: skip
        message = Message.objects.get()
        price = plan.list_prices.get()
        one = f"partner/endpoints/{endpoint.pk}/"
        asked = [
            ("GET", at(installation)),
            ("GET", at(installation, "seats")),
            ("GET", at(installation, "differences")),
            ("POST", at(installation, "confirm")),
            ("POST", at(installation, "refuse")),
            ("POST", at(installation, "users")),
            ("POST", at(installation, "repair")),
            ("GET", f"partner/add-ons/{add_on.pk}/"),
            ("POST", f"partner/add-ons/{add_on.pk}/activate/"),
            ("GET", f"partner/activations/{activation.pk}/"),
            ("POST", f"partner/activations/{activation.pk}/deactivate/"),
            ("GET", "partner/listings/box/"),
            ("PATCH", "partner/listings/box/"),
            *(("POST", f"partner/listings/box/{verb}/")
              for verb in ("submit", "take-back", "discard")),
            ("GET", f"partner/plans/{plan.pk}/"),
            ("PATCH", f"partner/plans/{plan.pk}/"),
            ("DELETE", f"partner/plans/{plan.pk}/"),
            ("GET", f"partner/prices/{price.pk}/"),
            ("DELETE", f"partner/prices/{price.pk}/"),
            ("GET", one),
            ("PATCH", one),
            *(("POST", f"{one}{verb}/")
              for verb in ("rotate", "challenge", "test", "disable", "enable", "replay")),
            ("GET", f"partner/deliveries/{message.public_id}/"),
            ("POST", f"partner/deliveries/{message.public_id}/replay/"),
        ]  # fmt: skip
        before = _rows()

        for method, path in asked:
            body = None if method == "GET" else {"reason": "x", "quantity": 1}
            answer = foreign(method, path, body)
            assert code(answer) == (404, "not_found"), path
        for name in ("installations", "add-ons", "activations", "endpoints",
                     "deliveries", "plans", "prices"):  # fmt: skip
            assert foreign.get(f"partner/{name}/").json()["results"] == []
        assert _rows() == before

    def test_without_the_scope_nothing_opens(self, partner_user, installation, present):
        reads = program(partner_user, "installations:read", audience="PARTNER")

        assert reads.get(at(installation)).status_code == 200
        assert code(reads.post(at(installation, "confirm"))) == (403, "scope")
        for name in ("add-ons", "listings", "plans", "prices", "endpoints",
                     "deliveries"):  # fmt: skip
            assert code(reads.get(f"partner/{name}/")) == (403, "scope")


def _rows():
    return [
        list(model.objects.order_by("pk").values())
        for model in (Installation, AddOnActivation, App, ListPrice, Endpoint, Message)
    ]


def test_lists_ask_as_much_for_many_rows_as_for_few(
    api, installation, add_on, plan, django_assert_max_num_queries
):
    def queries(name):
        with django_assert_max_num_queries(25) as captured:
            assert api.get(f"partner/{name}/").status_code == 200
        return len(captured)

    names = ["installations", "add-ons", "plans", "prices", "deliveries"]
    [queries(name) for name in names]
    few = [queries(name) for name in names]
    for number in range(6):
        other = factories.AppFactory(partner=plan.app.partner)
        factories.PlanFactory(app=other, price=Decimal(1))
        factories.LineFactory(plan=factories.PlanFactory(app=other, add_on=True))
        row = Installation.objects.create(
            account=factories.AccountFactory(), contract=installation.contract,
            app=other, plan=installation.plan, order=installation.order, state="ACTIVE",
            installed_by=installation.installed_by, installed_on=AT.date(),
        )  # fmt: skip
        Message.objects.create(
            kind="WEBHOOK", key=f"k{number}", partner_id=other.partner_id,
            public_id=f"msg_{number}", thread=f"installation:{row.pk}", due_at=AT,
        )  # fmt: skip

    assert [queries(name) for name in names] == few
