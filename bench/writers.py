"""Seat additions a second: 1, 8 and 64 writers, each adding users to one installation at
the contracted boundary, so that every addition is billed under the contract's lock.
"""

import os
import threading
import time
import uuid
from datetime import date

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import connection  # noqa: E402

from accounts import authority, roles, terms  # noqa: E402
from accounts.models import Account, TermsVersion, User  # noqa: E402
from bench import ground  # noqa: E402
from billing.models import Charge  # noqa: E402
from marketplace.models import ListPrice, Plan  # noqa: E402
from myapps import installs, seats, signing  # noqa: E402

ON = date(2026, 11, 23)
SECONDS = 8
WRITERS = [1, 8, 64]


def main() -> None:
    ground.fill(accounts=1, lines_each=len(WRITERS))
    account = Account.objects.get()
    admin = _admin(account)
    for plan, writers in zip(Plan.objects.order_by("pk"), WRITERS, strict=True):
        done = _measure(account, admin, plan, writers)
        print(
            f"  {writers:>3} writers  {done / SECONDS:>8.1f} a second"
            f"   ({done} seats, {Charge.objects.filter(line__plan=plan).count()}"
            " charges)"
        )


def _admin(account: Account) -> User:
    version = TermsVersion.objects.create(
        version="bench", address="https://vendor.example/", effective_from=ON
    )
    admin = User.objects.create_user(
        "admin@bench.example", None, account=account, display_name="Admin"
    )
    role = roles.create(account, name="Administrators", by=None, on=ON)
    for permission in authority.ALL:
        authority.grant(role, permission, by=None, on=ON, delegates=True)
    roles.join(role, [admin], by=None, on=ON)
    terms.accept(admin, version=version, on=ON)
    return admin


def _measure(account: Account, admin: User, plan: Plan, writers: int) -> int:
    ListPrice.objects.create(
        plan=plan, currency="EUR", monthly_price=9, effective_from=ground.STARTS_ON
    )
    installation = installs.install(
        account, plan, [admin], roles={}, signed=_signed(admin), on=ON
    )
    crowd = iter(_people(account, plan, 4000))
    taken, done = threading.Lock(), []
    until = time.perf_counter() + SECONDS

    def write() -> None:
        mine = 0
        try:
            while time.perf_counter() < until:
                with taken:
                    user = next(crowd)
                seats.add(installation, [user], signed=_signed(admin), on=ON)
                mine += 1
        finally:
            done.append(mine)
            connection.close()

    threads = [threading.Thread(target=write) for _ in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done)


def _people(account: Account, plan: Plan, count: int) -> list[User]:
    return User.objects.bulk_create(
        User(
            account=account,
            email=f"user{n}@{plan.app.slug}.example",
            display_name=f"User {n}",
        )
        for n in range(count)
    )


def _signed(admin: User):
    key = str(uuid.uuid4())
    return signing.sign(
        admin, authority.MANAGE, key=key, agreed=None, summary=None, on=ON
    )


if __name__ == "__main__":
    main()
