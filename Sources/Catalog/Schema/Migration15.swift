import ParallaxCore
import Postgres

/// What changes in answers has a number: followers ask for what came after it.
let migration15 = Migration(
    number: 15, name: "numbers of changes",
    sql: """
        -- Of the source's newest change, and of the newest that nobody can follow from any more. In this row because a flush locks it last of all.
        ALTER TABLE parallax.watermark ADD COLUMN change bigint NOT NULL DEFAULT 0;
        ALTER TABLE parallax.watermark ADD COLUMN followed_from bigint NOT NULL DEFAULT 0;
        -- A backup of an older release may be restored under those who follow.
        UPDATE parallax.watermark SET change = (extract(epoch FROM now()) * 1000000)::bigint, followed_from = (extract(epoch FROM now()) * 1000000)::bigint;
        -- As the newest change found it.
        ALTER TABLE parallax.watermark ADD COLUMN watermark_before timestamptz;
        COMMENT ON TABLE parallax.watermark IS 'Per source: the event time up to which everything is believed seen (never goes back), and the number of its newest change.';

        -- What the pointer was before it was moved last.
        ALTER TABLE parallax.published ADD COLUMN run_before bigint;
        ALTER TABLE parallax.published ADD COLUMN slice_before bigint;
        ALTER TABLE parallax.published ADD COLUMN cut_watermark_before timestamptz;

        -- The version that followers know, and the change with which it came.
        ALTER TABLE parallax.view ADD COLUMN followed_version_id integer;
        ALTER TABLE parallax.view ADD COLUMN followed_from bigint NOT NULL DEFAULT 0;
        UPDATE parallax.view SET followed_version_id = active_version_id;

        CREATE TABLE parallax.change (
            -- No foreign keys here: a flush would lock the source's row for their sake. An apply takes away what is left of dropped sources.
            source_id            integer NOT NULL,
            -- Grows in the order of commits. Microseconds since 1970 where that is more than one more than the one before: a number that a crash,
            -- or a standby that takes over, has taken back is not given again.
            change               bigint NOT NULL,
            kind                 text NOT NULL CHECK (kind IN ('flush', 'publication', 'revert', 'definition', 'reset')),
            -- The transaction, which live rows name.
            flushed_by           xid8 NOT NULL,
            -- What was published from then on, and before, where it was moved.
            run                  bigint NOT NULL,
            slice                bigint NOT NULL,
            cut_watermark        timestamptz,
            run_before           bigint,
            slice_before         bigint,
            cut_watermark_before timestamptz,
            watermark            timestamptz,
            watermark_before     timestamptz,
            changed_at           timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (source_id, change)
        );
        COMMENT ON TABLE parallax.change IS 'Each flush, publication and revert, under a number that grows in the order of commits. serving.<view>_changes reads it.';

        CREATE TABLE parallax.flushed_window (
            version_id   integer NOT NULL,
            flushed_by   xid8 NOT NULL,
            windows      timestamptz[] NOT NULL,
            -- Those with late events.
            late_windows timestamptz[] NOT NULL
        );
        -- Not unique: in a restored database transactions are counted anew.
        CREATE INDEX ON parallax.flushed_window (version_id, flushed_by);
        COMMENT ON TABLE parallax.flushed_window IS 'The windows that each flush touched, as long as its change is kept. Views without a window use -infinity.';

        CREATE FUNCTION parallax.channel(schema_name text, name text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
            SELECT schema_name || '.' || CASE WHEN octet_length(schema_name) + 1 + octet_length(name) <= 63 THEN name ELSE md5(name) END
        $$;
        COMMENT ON FUNCTION parallax.channel IS 'What a view (schema serving) or a source (schema parallax) announces its changes on. A source''s name may be too long for a channel: it is told by its MD5.';

        CREATE VIEW parallax.followed_view AS
        SELECT w.name AS view, s.name AS source, parallax.channel('serving', w.name) AS channel, parallax.channel('parallax', s.name) AS source_channel,
               m.change, greatest(m.followed_from, w.followed_from) AS followed_from, m.watermark,
               (SELECT max(pp.newest_appended_at) FROM parallax.partition_position pp WHERE pp.source_id = s.source_id) AS newest_appended_at
        FROM parallax.view w
        JOIN parallax.source s USING (source_id)
        JOIN parallax.watermark m USING (source_id)
        WHERE w.active_version_id IS NOT NULL
          -- Of whoever asks.
          AND has_table_privilege(current_user, to_regclass(format('serving.%I', w.name)), 'SELECT');
        COMMENT ON VIEW parallax.followed_view IS 'For each served view that may be read: the change that this snapshot contains, the oldest that can be followed from, the channels that changes are announced on, and the append time of the newest record in it.';

        CREATE TABLE parallax.reader (
            role  text PRIMARY KEY,
            -- Null: all.
            views text[]
        );
        COMMENT ON TABLE parallax.reader IS 'Roles that Parallax made for readers, and the views that they may read.';

        -- Stable, so that they see the snapshot of the statement that calls them.
        CREATE FUNCTION parallax.change(view_name text) RETURNS bigint LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
        DECLARE found parallax.followed_view;
        BEGIN
            SELECT * INTO found FROM parallax.followed_view f WHERE f.view = view_name;
            IF found.view IS NULL THEN
                RAISE EXCEPTION USING ERRCODE = 'undefined_table', MESSAGE = format('there is no view "%s" that is served', view_name),
                    HINT = 'See parallax.followed_view.';
            END IF;
            RETURN found.change;
        END $$;
        COMMENT ON FUNCTION parallax.change IS 'The number of the newest change that this snapshot of a view contains.';

        CREATE FUNCTION parallax.can_follow(view_name text, since bigint) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
        DECLARE found parallax.followed_view;
        BEGIN
            SELECT * INTO found FROM parallax.followed_view f WHERE f.view = view_name;
            IF found.view IS NULL THEN
                RAISE EXCEPTION USING ERRCODE = 'undefined_table', MESSAGE = format('there is no view "%s" that is served', view_name),
                    HINT = 'See parallax.followed_view.';
            ELSIF since < found.followed_from THEN
                RAISE EXCEPTION USING ERRCODE = 'PLX01', MESSAGE = format('the changes of view "%s" since %s are not kept', view_name, since),
                    DETAIL = format('It can be followed from change %s on.', found.followed_from),
                    HINT = 'Take a new snapshot of the view, and follow it from parallax.change of the same snapshot.';
            ELSIF since > found.change THEN
                RAISE EXCEPTION USING ERRCODE = 'PLX01', MESSAGE = format('view "%s" has no change %s yet', view_name, since),
                    DETAIL = format('Its newest change is %s. The server may have lost its last moments in a crash, or was restored.', found.change),
                    HINT = 'Take a new snapshot of the view, and follow it from parallax.change of the same snapshot.';
            END IF;
            RETURN true;
        END $$;
        COMMENT ON FUNCTION parallax.can_follow IS 'True where serving.<view>_changes has all that came after a change; else the error PLX01.';

        CREATE FUNCTION parallax.newest_record(view_name text) RETURNS timestamptz LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
        DECLARE found parallax.followed_view;
        BEGIN
            SELECT * INTO found FROM parallax.followed_view f WHERE f.view = view_name;
            IF found.view IS NULL THEN
                RAISE EXCEPTION USING ERRCODE = 'undefined_table', MESSAGE = format('there is no view "%s" that is served', view_name),
                    HINT = 'See parallax.followed_view.';
            END IF;
            RETURN found.newest_appended_at;
        END $$;
        COMMENT ON FUNCTION parallax.newest_record IS 'The append time of the newest record that is in a view; null where none is.';

        CREATE FUNCTION parallax.freshness(view_name text) RETURNS interval LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
            SELECT clock_timestamp() - parallax.newest_record(view_name)
        $$;
        COMMENT ON FUNCTION parallax.freshness IS 'How long ago the newest record that is in a view was appended; null where none is.';
        """,
    then: { connection throws(ParallaxError) in
        for table in try connection.query("SELECT state_table FROM parallax.view_version WHERE state_table <> '' ORDER BY 1").texts(0) {
            try connection.execute(
                "ALTER TABLE IF EXISTS speed.\(Connection.quoteIdentifier(table)) ADD COLUMN IF NOT EXISTS flushed_by xid8 NOT NULL DEFAULT '0'"
            )
        }
        // A readers' role of before has the schema; what is new in it is for readers, too.
        let reader = try connection.query(
            "SELECT FROM pg_catalog.pg_roles WHERE rolname = $1 AND has_schema_privilege(rolname, 'serving', 'USAGE')",
            [.text(Catalog.readerRole)])
        if !reader.rows.isEmpty {
            try connection.execute("GRANT SELECT ON parallax.followed_view TO \(Connection.quoteIdentifier(Catalog.readerRole))")
        }
    })
