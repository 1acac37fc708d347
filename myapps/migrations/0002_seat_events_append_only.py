from django.db import migrations

SEAT_EVENT_IS_APPEND_ONLY = """
CREATE TRIGGER seat_event_is_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON myapps_seatevent
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("myapps", "0001_initial"), ("journal", "0002_append_only")]

    operations = [
        migrations.RunSQL(
            SEAT_EVENT_IS_APPEND_ONLY,
            "DROP TRIGGER seat_event_is_append_only ON myapps_seatevent",
        )
    ]
