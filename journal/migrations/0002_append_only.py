from django.db import migrations

REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation',
              HINT = 'Correct a record with a reversal and a new record.';
END
$$;
"""

ACTIVITY_IS_APPEND_ONLY = """
CREATE TRIGGER activity_is_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_activity
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    """Other rooms put refuse_change() on their ledgers the same way."""

    dependencies = [("journal", "0001_initial")]

    operations = [
        migrations.RunSQL(REFUSE_CHANGE, "DROP FUNCTION refuse_change()"),
        migrations.RunSQL(
            ACTIVITY_IS_APPEND_ONLY,
            "DROP TRIGGER activity_is_append_only ON journal_activity",
        ),
    ]
