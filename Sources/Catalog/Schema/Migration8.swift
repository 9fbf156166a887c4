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

        -- partition_position.late when the slice began: what came since is in no answer until a run with a later slice is published.
        ALTER TABLE parallax.boundary ADD COLUMN late bigint NOT NULL DEFAULT 0;
        -- Of slices that have begun before: at least what the views say.
        UPDATE parallax.boundary b SET late = greatest(0, p.late - coalesce((
            SELECT max(v.late) FROM (SELECT sum(t.late) AS late FROM parallax.touched_window t JOIN parallax.view_version USING (version_id)
                                     JOIN parallax.view w USING (view_id) WHERE w.source_id = b.source_id AND t.slice >= b.slice
                                     GROUP BY t.version_id) v), 0))
        FROM parallax.partition_position p WHERE (p.source_id, p.partition) = (b.source_id, b.partition);

        CREATE OR REPLACE VIEW parallax.frontier AS
        SELECT s.name AS source, pp.partition, p.run, p.slice, b.first_offset AS cut, pp.next_offset, w.watermark, pp.newest_appended_at,
               (SELECT coalesce(sum(h.first_offset - h.processed_until), 0)::bigint FROM parallax.boundary h
                WHERE h.source_id = pp.source_id AND h.partition = pp.partition AND h.slice > p.slice) AS waiting_records,
               (SELECT coalesce(sum(g.next_offset - g.first_offset), 0)::bigint FROM parallax.accepted_gap g
                WHERE g.source_id = pp.source_id AND g.partition = pp.partition) AS given_up_offsets,
               greatest(0, pp.late - coalesce(b.late, 0)) AS late_waiting
        FROM parallax.partition_position pp
        JOIN parallax.source s USING (source_id)
        JOIN parallax.published p USING (source_id)
        JOIN parallax.watermark w USING (source_id)
        LEFT JOIN parallax.boundary b ON b.source_id = pp.source_id AND b.partition = pp.partition AND b.slice = p.slice;
        COMMENT ON VIEW parallax.frontier IS 'What an answer contains: batch rows below the cut, live rows up to next_offset, but for waiting_records that a run took over from a speed layer that was down and late_waiting events that came too late for the live rows (both come with the next publication), and for given_up_offsets, which the log lost and a person gave up.';

        CREATE VIEW parallax.late_window AS
        SELECT s.name AS source, w.name AS view, nullif(t.window_start, '-infinity') AS window_start, sum(t.late)::bigint AS late
        FROM parallax.touched_window t
        JOIN parallax.view w ON w.active_version_id = t.version_id
        JOIN parallax.source s USING (source_id)
        JOIN parallax.published p USING (source_id)
        WHERE t.slice >= p.slice AND t.late > 0
        GROUP BY s.name, w.name, t.window_start;
        COMMENT ON VIEW parallax.late_window IS 'Late events that are in no row of a view yet, by window (null: the view has none; of sessions: the events are in the gap that begins there). The window''s rows are not exact; where all of its events came late it has none. The next publication counts them.';
        """)
