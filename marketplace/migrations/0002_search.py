"""The search entries of apps, kept by the database whoever writes.

Two text search configurations, both blind to accents: one for the words as they are
(prefixes while typing), one for their stems. An entry is rewritten when its app, its
partner or a plan changes.
"""

from django.db import migrations

CONFIGURATIONS = """
CREATE TEXT SEARCH CONFIGURATION marketplace_words (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION marketplace_words
    ALTER MAPPING FOR hword, hword_part, word WITH unaccent, simple;
CREATE TEXT SEARCH CONFIGURATION marketplace_stems (COPY = english);
ALTER TEXT SEARCH CONFIGURATION marketplace_stems
    ALTER MAPPING FOR hword, hword_part, word WITH unaccent, english_stem;
"""

DROP_CONFIGURATIONS = """
DROP TEXT SEARCH CONFIGURATION marketplace_stems;
DROP TEXT SEARCH CONFIGURATION marketplace_words;
"""

FUNCTIONS = """
CREATE FUNCTION marketplace_words(said text, weight "char") RETURNS tsvector
LANGUAGE sql STABLE AS $$
    SELECT setweight(
        to_tsvector('marketplace_words', coalesce(said, ''))
        || to_tsvector('marketplace_stems', coalesce(said, '')),
        weight
    )
$$;

CREATE FUNCTION marketplace_write_entries(app_ids bigint[]) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO marketplace_searchentry AS entry (app_id, words, keywords)
    SELECT
        app.id,
        marketplace_words(app.name, 'A')
        || marketplace_words(
            concat_ws(' ', partner.name, app.category, array_to_string(app.tags, ' ')),
            'B'
        )
        || marketplace_words(concat_ws(' ', app.tagline, plans.names), 'C')
        || marketplace_words(app.description, 'D'),
        lower(unaccent(concat_ws(
            ' ', app.name, partner.name, app.category, array_to_string(app.tags, ' ')
        )))
    FROM marketplace_app app
    JOIN marketplace_partner partner ON partner.id = app.partner_id
    CROSS JOIN LATERAL (
        SELECT string_agg(plan.name, ' ' ORDER BY plan.id) AS names
        FROM marketplace_plan plan WHERE plan.app_id = app.id
    ) plans
    WHERE app.id = ANY (app_ids)
    ON CONFLICT (app_id) DO UPDATE
        SET words = excluded.words, keywords = excluded.keywords
        WHERE (entry.words, entry.keywords) IS DISTINCT FROM
              (excluded.words, excluded.keywords)
$$;

CREATE FUNCTION marketplace_app_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM marketplace_write_entries(array_agg(id)) FROM changed;
    RETURN NULL;
END $$;

CREATE FUNCTION marketplace_plan_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM marketplace_write_entries(array_agg(DISTINCT app_id)) FROM changed;
    RETURN NULL;
END $$;

CREATE FUNCTION marketplace_partner_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM marketplace_write_entries(array_agg(app.id))
    FROM marketplace_app app JOIN changed ON changed.id = app.partner_id;
    RETURN NULL;
END $$;

CREATE FUNCTION marketplace_app_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM marketplace_searchentry WHERE app_id IN (SELECT id FROM changed);
    RETURN NULL;
END $$;

-- Apps with a word that is nearly the given one. The threshold belongs to the
-- function, so that the trigram index serves it.
CREATE FUNCTION marketplace_apps_near(word text) RETURNS SETOF bigint
LANGUAGE sql STABLE SET pg_trgm.word_similarity_threshold = 0.45 AS $$
    SELECT app_id FROM marketplace_searchentry WHERE lower(unaccent(word)) <% keywords
$$;
"""

DROP_FUNCTIONS = """
DROP FUNCTION marketplace_apps_near(text);
DROP FUNCTION marketplace_partner_changed();
DROP FUNCTION marketplace_plan_changed();
DROP FUNCTION marketplace_app_changed();
DROP FUNCTION marketplace_app_removed();
DROP FUNCTION marketplace_write_entries(bigint[]);
DROP FUNCTION marketplace_words(text, "char");
"""

TRIGGERS = """
CREATE TRIGGER app_added AFTER INSERT ON marketplace_app
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION marketplace_app_changed();
CREATE TRIGGER app_changed AFTER UPDATE ON marketplace_app
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION marketplace_app_changed();
CREATE TRIGGER app_removed AFTER DELETE ON marketplace_app
    REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION marketplace_app_removed();
CREATE TRIGGER plan_added AFTER INSERT ON marketplace_plan
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION marketplace_plan_changed();
CREATE TRIGGER plan_changed AFTER UPDATE ON marketplace_plan
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION marketplace_plan_changed();
CREATE TRIGGER plan_removed AFTER DELETE ON marketplace_plan
    REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION marketplace_plan_changed();
CREATE TRIGGER partner_renamed AFTER UPDATE ON marketplace_partner
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION marketplace_partner_changed();
"""

DROP_TRIGGERS = """
DROP TRIGGER partner_renamed ON marketplace_partner;
DROP TRIGGER plan_removed ON marketplace_plan;
DROP TRIGGER plan_changed ON marketplace_plan;
DROP TRIGGER plan_added ON marketplace_plan;
DROP TRIGGER app_removed ON marketplace_app;
DROP TRIGGER app_changed ON marketplace_app;
DROP TRIGGER app_added ON marketplace_app;
"""


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0001_initial")]

    operations = [
        migrations.RunSQL(CONFIGURATIONS, DROP_CONFIGURATIONS),
        migrations.RunSQL(FUNCTIONS, DROP_FUNCTIONS),
        migrations.RunSQL(TRIGGERS, DROP_TRIGGERS),
    ]
