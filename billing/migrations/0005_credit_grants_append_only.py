from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0004_grants_and_credits"),
        ("journal", "0002_append_only"),
    ]

    operations = [
        migrations.RunSQL(
            """
            UPDATE billing_hold hold SET owed = hold.quantity
            FROM billing_renewalchange change
            WHERE change.id = hold.change_id AND change.state = 'DECLINED'
            """,
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            """
            CREATE TRIGGER credit_grant_is_append_only
                BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_creditgrant
                FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
            """,
            "DROP TRIGGER credit_grant_is_append_only ON billing_creditgrant",
        ),
    ]
