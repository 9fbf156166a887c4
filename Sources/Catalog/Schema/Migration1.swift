/// The first shape of the control tables. A released migration is never edited: a change is a new one.
///
/// Half-open everywhere: `next_offset`, `first_offset`, `until_run` are the first that do *not* belong.
let migration1 = Migration(
    number: 1, name: "control tables",
    sql: """
        CREATE TABLE parallax.source (
            source_id       integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            name            text NOT NULL UNIQUE,
            definition      jsonb NOT NULL,
            -- The newest slice that anyone asked for. Workers follow at their next flush.
            requested_slice bigint NOT NULL DEFAULT 1,
            -- The run that may write batch rows and publish. Another number here fences a run out.
            active_run      bigint,
            created_at      timestamptz NOT NULL DEFAULT now()
        );
        COMMENT ON TABLE parallax.source IS 'A stream of events of one declared schema.';

        CREATE TABLE parallax.partition_position (
            source_id          integer NOT NULL REFERENCES parallax.source ON DELETE CASCADE,
            partition          integer NOT NULL,
            -- The speed layer has processed the offsets below this one.
            next_offset        bigint NOT NULL DEFAULT 0,
            -- The slice that records from next_offset on belong to.
            slice              bigint NOT NULL DEFAULT 1,
            -- Grows with each change of owner; a flush under an older epoch changes nothing.
            epoch              bigint NOT NULL DEFAULT 0,
            owner              uuid,
            owner_backend_pid  integer,
            owner_backend_start timestamptz,
            lease_expires_at   timestamptz,
            -- Newest believable event time seen (see the watermark rule), without out-of-orderness taken off.
            max_event_time     timestamptz,
            is_idle            boolean NOT NULL DEFAULT false,
            newest_appended_at timestamptz,
            -- The log's end when the owner last looked: lag is log_end - next_offset.
            log_end            bigint NOT NULL DEFAULT 0,
            archived_offset    bigint NOT NULL DEFAULT 0,
            events             bigint NOT NULL DEFAULT 0,
            late               bigint NOT NULL DEFAULT 0,
            duplicates         bigint NOT NULL DEFAULT 0,
            flushed_at         timestamptz,
            PRIMARY KEY (source_id, partition)
        ) WITH (fillfactor = 50);
        COMMENT ON TABLE parallax.partition_position IS 'How far the speed layer is, and who may move it on.';

        CREATE TABLE parallax.watermark (
            source_id integer PRIMARY KEY REFERENCES parallax.source ON DELETE CASCADE,
            watermark timestamptz
        ) WITH (fillfactor = 50);
        COMMENT ON TABLE parallax.watermark IS 'Per source: the event time up to which everything is believed seen. Never goes back.';

        CREATE TABLE parallax.boundary (
            source_id    integer NOT NULL REFERENCES parallax.source ON DELETE CASCADE,
            slice        bigint NOT NULL,
            partition    integer NOT NULL,
            -- Where the slice starts in this partition.
            first_offset bigint NOT NULL,
            -- The speed layer processed the offsets below this one before the slice started. Less than first_offset where a run
            -- took the boundary further on for a speed layer that was down: those records are in no speed row, and in no answer
            -- until a run with this slice or a later one is published.
            processed_until bigint NOT NULL,
            PRIMARY KEY (source_id, slice, partition),
            CHECK (processed_until <= first_offset)
        );
        COMMENT ON TABLE parallax.boundary IS 'Slice s holds, in partition p, the offsets from boundary(s, p) up to, not including, boundary(s + 1, p).';

        CREATE TABLE parallax.view (
            view_id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            source_id         integer NOT NULL REFERENCES parallax.source ON DELETE CASCADE,
            name              text NOT NULL UNIQUE,
            -- The version that serving.<view> shows. Null until the first run has published one.
            active_version_id integer,
            created_at        timestamptz NOT NULL DEFAULT now()
        );

        CREATE TABLE parallax.view_version (
            version_id   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            view_id      integer NOT NULL REFERENCES parallax.view ON DELETE CASCADE,
            hash         text NOT NULL,
            plan         jsonb NOT NULL,
            select_text  text NOT NULL,
            -- Name of its tables in schemas batch and speed.
            state_table  text NOT NULL,
            -- Speed rows are complete from this slice on.
            first_slice  bigint NOT NULL,
            -- The first run whose batch rows include it. Null: it waits for one, or began with the log itself.
            first_run    bigint,
            created_at   timestamptz NOT NULL DEFAULT now(),
            UNIQUE (view_id, hash)
        );
        ALTER TABLE parallax.view ADD FOREIGN KEY (active_version_id) REFERENCES parallax.view_version;
        COMMENT ON TABLE parallax.view_version IS 'One content hash of a definition, with the tables that hold its states.';

        CREATE TABLE parallax.overlay (
            name        text PRIMARY KEY,
            select_text text NOT NULL,
            -- Creation order: each stands after what it reads.
            position    integer NOT NULL
        );
        COMMENT ON TABLE parallax.overlay IS 'CREATE VIEW statements of the pipeline: PostgreSQL''s own work over the merged rows.';

        CREATE TABLE parallax.run (
            run_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            source_id    integer NOT NULL REFERENCES parallax.source ON DELETE CASCADE,
            is_full      boolean NOT NULL,
            state        text NOT NULL CHECK (state IN ('requested', 'archiving', 'computing', 'staged', 'published', 'failed', 'reverted')),
            slice        bigint NOT NULL,
            -- The publication that was current when the run began: what an incremental run starts from.
            base_run     bigint NOT NULL,
            base_slice   bigint NOT NULL,
            cut          jsonb,
            started_at   timestamptz NOT NULL DEFAULT now(),
            finished_at  timestamptz,
            -- Figures for people: records, events, duplicates, rejected, segments, bytes, seconds by phase, rows by view.
            statistics   jsonb NOT NULL DEFAULT '{}',
            error        text
        );
        CREATE INDEX ON parallax.run (source_id, run_id);

        CREATE TABLE parallax.publication (
            source_id    integer NOT NULL REFERENCES parallax.source ON DELETE CASCADE,
            run_id       bigint NOT NULL,
            slice        bigint NOT NULL,
            cut          jsonb NOT NULL,
            published_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (source_id, run_id)
        );

        CREATE TABLE parallax.published (
            source_id integer PRIMARY KEY REFERENCES parallax.source ON DELETE CASCADE,
            run       bigint NOT NULL,
            slice     bigint NOT NULL
        ) WITH (fillfactor = 50);
        COMMENT ON TABLE parallax.published IS 'The pointer that every merged view reads: one row a source, moved by one UPDATE.';

        CREATE TABLE parallax.drift (
            run_id         bigint NOT NULL,
            version_id     integer NOT NULL REFERENCES parallax.view_version ON DELETE CASCADE,
            output         text NOT NULL,
            groups         bigint NOT NULL,
            differing      bigint NOT NULL,
            only_merged    bigint NOT NULL,
            only_batch     bigint NOT NULL,
            merged_total   double precision,
            batch_total    double precision,
            max_difference double precision,
            PRIMARY KEY (run_id, version_id, output)
        );
        COMMENT ON TABLE parallax.drift IS 'What the merged view said minus what the batch layer found, over the same records (all below the run''s cut).';

        CREATE TABLE parallax.touched_window (
            version_id   integer NOT NULL REFERENCES parallax.view_version ON DELETE CASCADE,
            window_start timestamptz NOT NULL,
            slice        bigint NOT NULL,
            -- Late events that the speed layer left to the batch layer.
            late         bigint NOT NULL DEFAULT 0,
            PRIMARY KEY (version_id, window_start, slice)
        );
        COMMENT ON TABLE parallax.touched_window IS 'Windows that speed rows or late events touch; views without a window use -infinity. All others pass through the merged view as the batch layer left them.';

        CREATE TABLE parallax.rejected_live (
            source_id integer NOT NULL REFERENCES parallax.source ON DELETE CASCADE,
            slice     bigint NOT NULL,
            -- Empty: the record is no event. Else the view that could not take it.
            view_name text NOT NULL DEFAULT '',
            reason    text NOT NULL,
            rejected  bigint NOT NULL,
            PRIMARY KEY (source_id, slice, view_name, reason)
        );
        CREATE TABLE parallax.rejected_batch (
            source_id integer NOT NULL REFERENCES parallax.source ON DELETE CASCADE,
            run_id    bigint NOT NULL,
            view_name text NOT NULL DEFAULT '',
            reason    text NOT NULL,
            rejected  bigint NOT NULL,
            PRIMARY KEY (source_id, run_id, view_name, reason)
        );
        CREATE VIEW parallax.rejected AS
        SELECT s.name AS source, r.view_name, r.reason, sum(r.rejected)::bigint AS rejected
        FROM (SELECT b.source_id, b.view_name, b.reason, b.rejected
              FROM parallax.rejected_batch b JOIN parallax.published p ON p.source_id = b.source_id AND p.run = b.run_id
              UNION ALL
              SELECT l.source_id, l.view_name, l.reason, l.rejected
              FROM parallax.rejected_live l JOIN parallax.published p ON p.source_id = l.source_id AND l.slice >= p.slice) r
        JOIN parallax.source s USING (source_id)
        GROUP BY s.name, r.view_name, r.reason;
        COMMENT ON VIEW parallax.rejected IS 'Rejected records by reason: exact below the published cut, live above it.';

        CREATE TABLE parallax.rejected_record (
            source_id     integer NOT NULL REFERENCES parallax.source ON DELETE CASCADE,
            partition     integer NOT NULL,
            record_offset bigint NOT NULL,
            view_name     text NOT NULL DEFAULT '',
            reason        text NOT NULL,
            message       text NOT NULL,
            column_name   text,
            -- Byte of the payload, from 0.
            position      integer,
            -- The payload's first bytes; the whole record is in the archive.
            payload_start bytea,
            seen_at       timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (source_id, partition, record_offset, view_name)
        );
        COMMENT ON TABLE parallax.rejected_record IS 'A sample of rejected records, newest first in value; counts are in parallax.rejected.';

        CREATE VIEW parallax.frontier AS
        SELECT s.name AS source, pp.partition, p.run, p.slice, b.first_offset AS cut, pp.next_offset, w.watermark, pp.newest_appended_at,
               (SELECT coalesce(sum(h.first_offset - h.processed_until), 0)::bigint FROM parallax.boundary h
                WHERE h.source_id = pp.source_id AND h.partition = pp.partition AND h.slice > p.slice) AS waiting_records
        FROM parallax.partition_position pp
        JOIN parallax.source s USING (source_id)
        JOIN parallax.published p USING (source_id)
        JOIN parallax.watermark w USING (source_id)
        LEFT JOIN parallax.boundary b ON b.source_id = pp.source_id AND b.partition = pp.partition AND b.slice = p.slice;
        COMMENT ON VIEW parallax.frontier IS 'What an answer contains: batch rows below the cut, live rows up to next_offset, but for waiting_records that a run took over from a speed layer that was down: they come with its publication.';

        CREATE TABLE parallax.worker (
            worker_id    uuid PRIMARY KEY,
            layer        text NOT NULL,
            host         text NOT NULL,
            pid          integer NOT NULL,
            started_at   timestamptz NOT NULL DEFAULT now(),
            heartbeat_at timestamptz NOT NULL DEFAULT now()
        );
        """)
