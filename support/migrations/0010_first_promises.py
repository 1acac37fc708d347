"""A first calendar and first promises, so that a fresh house has clocks. Both are changed
in the admin.
"""

from datetime import time

from django.db import migrations

HOURS = [(time(9), time(13)), (time(14), time(18))]
# Priority: first answer, next answer and solution, in minutes of eight-hour days.
PROMISES = {
    1: (960, 960, 4800),
    2: (480, 960, 2400),
    3: (240, 480, 960),
    4: (60, 120, 480),
}


def begin(apps, schema_editor):
    calendars = apps.get_model("support", "Calendar")
    if calendars.objects.exists():
        return
    calendar = calendars.objects.create(
        name="Support desk", timezone="Europe/Lisbon", country="PT"
    )
    apps.get_model("support", "OpeningHours").objects.bulk_create(
        apps.get_model("support", "OpeningHours")(
            calendar=calendar, weekday=weekday, opens=opens, closes=closes
        )
        for weekday in range(5)
        for opens, closes in HOURS
    )
    promise = apps.get_model("support", "ServicePromise")
    promise.objects.bulk_create(
        promise(
            category="",
            priority=priority,
            calendar=calendar,
            first_answer_minutes=first,
            next_answer_minutes=later,
            solution_minutes=solution,
        )
        for priority, (first, later, solution) in PROMISES.items()
    )


class Migration(migrations.Migration):
    dependencies = [("support", "0009_causes")]

    operations = [migrations.RunPython(begin, migrations.RunPython.noop)]
