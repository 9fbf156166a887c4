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
        """)
