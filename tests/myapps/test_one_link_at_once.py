"""One install link, used by a hundred at once: one installs (T14)."""

import re
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from threading import Barrier

import pytest
from django.db import connection, connections
from django.test import Client

from accounts import clock, terms
from billing.models import Charge, Order
from journal.models import Activity, Message
from myapps import mails
from myapps.models import Installation, InstallLink, Seat
from tests import factories

USES, AT_ONCE = 100, 50
ON = date(2026, 11, 23)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("crowd"),
]


@pytest.fixture
def link(account, admin):
    """Three seats of Box, signed, with a link for Alice; answers its address."""
    clock.set_to(datetime(2026, 11, 23, 12, tzinfo=UTC))
    line = factories.LineFactory(
        contract=factories.ContractFactory(account=account),
        plan=factories.PlanFactory(app__slug="box", price=Decimal(15)),
        contracted=3,
        on=ON,
    )
    mails.install_link(line, to=admin, by=None, at=clock.now(), on=ON)
    return re.search(r"/install/[\w-]+/", Message.objects.get().body)[0]


@pytest.fixture
def version(admin):
    version = factories.TermsVersionFactory()
    terms.accept(admin, version=version, on=ON)
    return version


def everything():
    """How many rows there are of all that an installation writes."""
    models = (Installation, Seat, Order, Charge, Activity, Message)
    return [model.objects.count() for model in models]


@pytest.mark.usefixtures("version")
def test_a_hundred_uses_of_one_link_install_once(link, admin, member):
    browser = Client()
    browser.force_login(admin)
    before, kept = everything(), InstallLink.objects.values().get()
    for _look in range(10):
        assert browser.get(link).status_code == 200
        assert browser.head(link).status_code in (200, 405)
    assert everything() == before
    assert InstallLink.objects.values().get() == kept

    page = browser.post(link, {"review": 1, "users": [member.pk]}).content.decode()
    agreed, shown = (
        re.search(rf'name="{name}" value="(\w+)"', page)[1]
        for name in ("agreed", "shown")
    )
    session = browser.cookies["sessionid"].value
    start = Barrier(AT_ONCE)

    def use(n):
        """Each is another click: a browser, an idempotency key and a connection."""
        mine = Client(raise_request_exception=False)
        mine.cookies["sessionid"] = session
        try:
            connection.ensure_connection()
            start.wait(60)
            answer = mine.post(
                link,
                {
                    "users": [member.pk], "agreed": agreed, "shown": shown,
                    "key": str(uuid.uuid4()), "confirm": 1,
                },
            )  # fmt: skip
            return answer.status_code, answer.content.decode()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(threads.map(use, range(USES)))

    met = Counter(status for status, _page in answers)
    assert met.pop(302) == 1
    assert sum(met.values()) == USES - 1
    assert set(met) <= {409, 410}
    refused = [page for status, page in answers if status != 302]
    assert all("is installed" in page for page in refused)
    assert Installation.objects.count() == Order.objects.count() == 1
    assert Seat.objects.get().user == member
    assert InstallLink.objects.get().used_at is not None
    assert Activity.objects.filter(verb="app.installed").count() == 1
