/// What readers see.
let migration8 = Migration(
    number: 8, name: "what readers see",
    sql: """
        -- PostgreSQL takes a view's text from now and its rows from the snapshot. Where a version has been switched in between, a merged view
        -- says so. The kind of error is the one on which programs begin a transaction anew.
        CREATE FUNCTION parallax.not_served(view_name text) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
        BEGIN
            RAISE EXCEPTION USING ERRCODE = 'serialization_failure',
                MESSAGE = format('view "%s" has another definition than in this snapshot', view_name),
                DETAIL = 'A new version of the view is served since the snapshot was taken, and the snapshot lacks its rows.',
                HINT = 'Ask again in a new transaction (or, inside of a function, in a new statement).';
        END $$;

        CREATE TABLE parallax.serving_view (name text PRIMARY KEY);
        COMMENT ON TABLE parallax.serving_view IS 'Views in the schema serving that Parallax made: it replaces and drops those, and nothing else there.';
        INSERT INTO parallax.serving_view SELECT viewname FROM pg_catalog.pg_views WHERE schemaname = 'serving';

        -- Why a version that is computed does not take the place of the served one, for people: something of others stands on the view.
        ALTER TABLE parallax.view_version ADD COLUMN obstacle text;
        """)
