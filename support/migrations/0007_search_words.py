"""The words tickets are found by, kept by the database whoever writes.

One text search configuration for every language: words as they are, blind to accents.
Scripts that put no spaces between words are taken sign by sign, so that a run of signs
is found as a phrase. Weights: number and subject (A), who and what it is about (B),
what was said to and by the customer (C), internal notes (D).
"""

from django.db import migrations

CONFIGURATION = """
CREATE TEXT SEARCH CONFIGURATION support_words (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION support_words
    ALTER MAPPING FOR hword, hword_part, word WITH unaccent, simple;
"""

DROP_CONFIGURATION = "DROP TEXT SEARCH CONFIGURATION support_words"

FUNCTIONS = """
-- What joins words into addresses and numbers parts them here, and signs of scripts
-- without spaces stand alone. support/searches.py does the same to what is looked for.
CREATE FUNCTION support_spaced(said text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT regexp_replace(
        regexp_replace(
            coalesce(said, ''),
            '[\\u0001-/:-@[-`{-\\u00BF\\u2010-\\u206F\\u3000-\\u303F\\uFF01-\\uFF0F\\uFF1A-\\uFF20]+',
            ' ', 'g'
        ),
        '([\\u0E00-\\u0EFF\\u1000-\\u109F\\u1780-\\u17FF\\u3040-\\u30FF\\u3400-\\u4DBF\\u4E00-\\u9FFF])',
        ' \\1 ', 'g'
    )
$$;

-- At most so much of a text is taken that its words stay far below the megabyte that
-- PostgreSQL lets one entry have.
CREATE FUNCTION support_vector(said text, weight "char") RETURNS tsvector
LANGUAGE sql STABLE AS $$
    SELECT setweight(
        to_tsvector('support_words', support_spaced(left(said, 60000))), weight
    )
$$;

CREATE FUNCTION support_write_texts(ids bigint[]) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO support_tickettext AS entry (ticket_id, words)
    SELECT
        ticket.id,
        support_vector(
            concat_ws(' ', 'T-' || lpad(ticket.id::text, 6, '0'), ticket.id,
                ticket.subject),
            'A'
        )
        || support_vector(
            concat_ws(' ', account.name, app.name, plan.name, form.number,
                person.display_name, person.email, array_to_string(ticket.tags, ' ')),
            'B'
        )
        || support_vector(said.public, 'C')
        || support_vector(said.internal, 'D')
    FROM support_ticket ticket
    JOIN accounts_account account ON account.id = ticket.account_id
    LEFT JOIN marketplace_app app ON app.id = ticket.app_id
    LEFT JOIN marketplace_plan plan ON plan.id = ticket.plan_id
    LEFT JOIN billing_line line ON line.id = ticket.line_id
    LEFT JOIN billing_orderform form ON form.id = line.order_form_id
    LEFT JOIN accounts_user person ON person.id = ticket.requester_id
    CROSS JOIN LATERAL (
        SELECT
            string_agg(body, ' ' ORDER BY id) FILTER (WHERE NOT internal) AS public,
            string_agg(body, ' ' ORDER BY id) FILTER (WHERE internal) AS internal
        FROM support_message message WHERE message.ticket_id = ticket.id
    ) said
    WHERE ticket.id = ANY (ids)
    ON CONFLICT (ticket_id) DO UPDATE SET words = excluded.words
        WHERE entry.words IS DISTINCT FROM excluded.words
$$;

CREATE FUNCTION support_ticket_opened() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM support_write_texts(array_agg(id)) FROM changed;
    RETURN NULL;
END $$;

CREATE FUNCTION support_ticket_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM support_write_texts(array_agg(changed.id))
    FROM changed JOIN former USING (id)
    WHERE (changed.subject, changed.account_id, changed.app_id, changed.plan_id,
           changed.line_id, changed.requester_id, changed.tags)
        IS DISTINCT FROM
          (former.subject, former.account_id, former.app_id, former.plan_id,
           former.line_id, former.requester_id, former.tags);
    RETURN NULL;
END $$;

-- What is said is added to what there is: a long conversation is not read again.
CREATE FUNCTION support_message_said() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO support_tickettext AS entry (ticket_id, words)
    SELECT ticket_id,
        support_vector(
            string_agg(body, ' ' ORDER BY id) FILTER (WHERE NOT internal), 'C')
        || support_vector(
            string_agg(body, ' ' ORDER BY id) FILTER (WHERE internal), 'D')
    FROM changed
    GROUP BY ticket_id
    ORDER BY ticket_id
    ON CONFLICT (ticket_id) DO UPDATE SET words = entry.words || excluded.words
        WHERE octet_length(entry.words::text) < 400000;
    RETURN NULL;
END $$;

CREATE FUNCTION support_message_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM support_write_texts(array_agg(DISTINCT changed.ticket_id))
    FROM changed JOIN former USING (id)
    WHERE (changed.body, changed.internal, changed.ticket_id)
        IS DISTINCT FROM (former.body, former.internal, former.ticket_id);
    PERFORM support_write_texts(array_agg(DISTINCT former.ticket_id))
    FROM changed JOIN former USING (id)
    WHERE changed.ticket_id <> former.ticket_id;
    RETURN NULL;
END $$;

CREATE FUNCTION support_message_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM support_write_texts(array_agg(DISTINCT ticket_id)) FROM former;
    RETURN NULL;
END $$;

CREATE FUNCTION support_account_renamed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM support_write_texts(array_agg(id ORDER BY id))
    FROM support_ticket WHERE account_id = NEW.id;
    RETURN NULL;
END $$;

CREATE FUNCTION support_app_renamed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM support_write_texts(array_agg(id ORDER BY id))
    FROM support_ticket WHERE app_id = NEW.id;
    RETURN NULL;
END $$;

CREATE FUNCTION support_plan_renamed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM support_write_texts(array_agg(id ORDER BY id))
    FROM support_ticket WHERE plan_id = NEW.id;
    RETURN NULL;
END $$;

CREATE FUNCTION support_person_renamed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM support_write_texts(array_agg(id ORDER BY id))
    FROM support_ticket WHERE requester_id = NEW.id;
    RETURN NULL;
END $$;
"""

DROP_FUNCTIONS = """
DROP FUNCTION support_person_renamed();
DROP FUNCTION support_plan_renamed();
DROP FUNCTION support_app_renamed();
DROP FUNCTION support_account_renamed();
DROP FUNCTION support_message_gone();
DROP FUNCTION support_message_changed();
DROP FUNCTION support_message_said();
DROP FUNCTION support_ticket_changed();
DROP FUNCTION support_ticket_opened();
DROP FUNCTION support_write_texts(bigint[]);
DROP FUNCTION support_vector(text, "char");
DROP FUNCTION support_spaced(text);
"""

TRIGGERS = """
CREATE TRIGGER ticket_opened AFTER INSERT ON support_ticket
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION support_ticket_opened();
CREATE TRIGGER ticket_changed AFTER UPDATE ON support_ticket
    REFERENCING NEW TABLE AS changed OLD TABLE AS former
    FOR EACH STATEMENT EXECUTE FUNCTION support_ticket_changed();
CREATE TRIGGER message_said AFTER INSERT ON support_message
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION support_message_said();
CREATE TRIGGER message_changed AFTER UPDATE ON support_message
    REFERENCING NEW TABLE AS changed OLD TABLE AS former
    FOR EACH STATEMENT EXECUTE FUNCTION support_message_changed();
CREATE TRIGGER message_gone AFTER DELETE ON support_message
    REFERENCING OLD TABLE AS former
    FOR EACH STATEMENT EXECUTE FUNCTION support_message_gone();
CREATE TRIGGER tickets_follow_the_account AFTER UPDATE ON accounts_account
    FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name)
    EXECUTE FUNCTION support_account_renamed();
CREATE TRIGGER tickets_follow_the_app AFTER UPDATE ON marketplace_app
    FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name)
    EXECUTE FUNCTION support_app_renamed();
CREATE TRIGGER tickets_follow_the_plan AFTER UPDATE ON marketplace_plan
    FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name)
    EXECUTE FUNCTION support_plan_renamed();
CREATE TRIGGER tickets_follow_the_person AFTER UPDATE ON accounts_user
    FOR EACH ROW WHEN (
        (OLD.display_name, OLD.email) IS DISTINCT FROM (NEW.display_name, NEW.email)
    )
    EXECUTE FUNCTION support_person_renamed();
"""

DROP_TRIGGERS = """
DROP TRIGGER tickets_follow_the_person ON accounts_user;
DROP TRIGGER tickets_follow_the_plan ON marketplace_plan;
DROP TRIGGER tickets_follow_the_app ON marketplace_app;
DROP TRIGGER tickets_follow_the_account ON accounts_account;
DROP TRIGGER message_gone ON support_message;
DROP TRIGGER message_changed ON support_message;
DROP TRIGGER message_said ON support_message;
DROP TRIGGER ticket_changed ON support_ticket;
DROP TRIGGER ticket_opened ON support_ticket;
"""

THOSE_THERE_ARE = "SELECT support_write_texts(array_agg(id)) FROM support_ticket"


class Migration(migrations.Migration):
    dependencies = [
        ("support", "0006_promises_of_a_ticket"),
        ("accounts", "0003_api_keys"),
        ("billing", "0003_line_order"),
        ("marketplace", "0002_search"),
    ]

    operations = [
        migrations.RunSQL(CONFIGURATION, DROP_CONFIGURATION),
        migrations.RunSQL(FUNCTIONS, DROP_FUNCTIONS),
        migrations.RunSQL(TRIGGERS, DROP_TRIGGERS),
        migrations.RunSQL(THOSE_THERE_ARE, migrations.RunSQL.noop),
    ]
