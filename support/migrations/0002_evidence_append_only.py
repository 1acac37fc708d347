from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("support", "0001_initial"), ("journal", "0002_append_only")]

    operations = [
        migrations.RunSQL(
            """
            CREATE TRIGGER evidence_is_append_only
                BEFORE UPDATE OR DELETE OR TRUNCATE ON support_evidence
                FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
            """,
            "DROP TRIGGER evidence_is_append_only ON support_evidence",
        )
    ]
