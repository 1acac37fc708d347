from django.db import migrations

# The largest m with anchor + m months on or before the day. PostgreSQL adds months as
# periods.add_months does: from the anchor, clamped to the month's last day. One plain
# expression, so that the planner puts it in place of the call.
_MONTHS = """(
    (date_part('year', day) - date_part('year', anchor)) * 12
    + date_part('month', day) - date_part('month', anchor))::integer"""
MONTHS_BETWEEN = f"""
CREATE FUNCTION months_between(anchor date, day date) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT {_MONTHS}
        - ((anchor + make_interval(months => {_MONTHS}))::date > day)::integer
$$;
"""

LEDGERS = {
    "order_is_append_only": "billing_order",
    "increase_is_append_only": "billing_increase",
    "charge_is_append_only": "billing_charge",
}


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial"), ("journal", "0002_append_only")]

    operations = [
        migrations.RunSQL(
            MONTHS_BETWEEN, "DROP FUNCTION months_between(anchor date, day date)"
        ),
        *(
            migrations.RunSQL(
                f"""
                CREATE TRIGGER {name}
                    BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
                    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
                """,
                f"DROP TRIGGER {name} ON {table}",
            )
            for name, table in LEDGERS.items()
        ),
    ]
