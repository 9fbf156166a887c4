/// Roll-ups: a function beside each served view, and what its text calls.
let migration16 = Migration(
    number: 16, name: "roll-ups",
    sql: """
        CREATE TABLE parallax.serving_function (
            name text PRIMARY KEY,
            -- As it was written: one that is the same is not written again.
            text text NOT NULL
        );
        COMMENT ON TABLE parallax.serving_function IS 'Functions in the schema serving that Parallax made: it replaces and drops those, and nothing else there.';

        -- Errors in the place of a condition. STABLE: no plan asks them before its rows do.
        CREATE FUNCTION parallax.roll_up_refused(message text, hint text) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE
        SET search_path = pg_catalog AS $$
        BEGIN
            RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = message, HINT = hint;
        END $$;

        CREATE FUNCTION parallax.lacks_sketches(view_name text, output text) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE
        SET search_path = pg_catalog AS $$
        BEGIN
            RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
                MESSAGE = format('view "%s": "%s" of several windows or groups cannot be told', view_name, output),
                DETAIL = 'Results do not add up, and the sketches that do are gone: a view keeps them while a window can still change.',
                HINT = 'Ask for other outputs, or make the view WITH (keep_sketches = true).';
        END $$;

        -- The unit of the calendar that an interval is; null where it is a length of time.
        CREATE FUNCTION parallax.bucket_unit(bucket interval, zone text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
        RETURN CASE WHEN extract(hour FROM bucket) <> 0 OR extract(minute FROM bucket) <> 0 OR extract(microseconds FROM bucket) <> 0 THEN NULL
            WHEN (extract(year FROM bucket), extract(month FROM bucket), extract(day FROM bucket)) = (0, 1, 0) THEN 'month'
            WHEN (extract(year FROM bucket), extract(month FROM bucket), extract(day FROM bucket)) = (0, 3, 0) THEN 'quarter'
            WHEN (extract(year FROM bucket), extract(month FROM bucket), extract(day FROM bucket)) = (1, 0, 0) THEN 'year'
            WHEN zone IS NULL THEN NULL
            WHEN (extract(year FROM bucket), extract(month FROM bucket), extract(day FROM bucket)) = (0, 0, 1) THEN 'day'
            WHEN (extract(year FROM bucket), extract(month FROM bucket), extract(day FROM bucket)) = (0, 0, 7) THEN 'week' END;
        """)
