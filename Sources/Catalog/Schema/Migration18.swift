/// How far the layers were apart: by window, by cause, by group, and row by row.
let migration18 = Migration(
    number: 18, name: "comparison of the layers",
    sql: """
        CREATE TABLE parallax.left_out (
            source_id    integer NOT NULL REFERENCES parallax.source ON DELETE CASCADE,
            partition    integer NOT NULL,
            -- Where the flush's records of the partition begin.
            first_offset bigint NOT NULL,
            slice        bigint NOT NULL,
            -- Offsets, as first and end (exclusive) by turns.
            late         bigint[] NOT NULL,
            duplicates   bigint[] NOT NULL,
            rejected     bigint[] NOT NULL,
            is_complete  boolean NOT NULL,
            PRIMARY KEY (source_id, partition, first_offset)
        );
        CREATE INDEX ON parallax.left_out (source_id, slice);
        COMMENT ON TABLE parallax.left_out IS 'Records that the speed layer put into no view, one row a flush and partition that had any: a run that compares the layers places them.';

        ALTER TABLE parallax.drift
            -- Over the rows that both layers have: sizes of the differences, and of the differences as parts of the batch values.
            ADD COLUMN mean_difference double precision,
            ADD COLUMN p99_difference double precision,
            ADD COLUMN max_relative double precision,
            ADD COLUMN mean_relative double precision,
            ADD COLUMN p99_relative double precision,
            -- Windows that were compared, and those with a difference; null for a view without windows.
            ADD COLUMN windows bigint,
            ADD COLUMN differing_windows bigint;

        CREATE TABLE parallax.drift_window (
            run_id          bigint NOT NULL,
            version_id      integer NOT NULL REFERENCES parallax.view_version ON DELETE CASCADE,
            output          text NOT NULL,
            window_start    timestamptz NOT NULL,
            groups          bigint NOT NULL,
            differing       bigint NOT NULL,
            only_merged     bigint NOT NULL,
            only_batch      bigint NOT NULL,
            merged_total    double precision,
            batch_total     double precision,
            max_difference  double precision,
            mean_difference double precision,
            p99_difference  double precision,
            max_relative    double precision,
            mean_relative   double precision,
            p99_relative    double precision,
            PRIMARY KEY (run_id, version_id, output, window_start)
        );
        COMMENT ON TABLE parallax.drift_window IS 'The drift of windows that differ, for recent runs; windows that were compared and are not here were equal. Sessions are gathered by the hour (UTC) that they begin in.';

        CREATE TABLE parallax.drift_cause (
            run_id     bigint NOT NULL,
            version_id integer NOT NULL REFERENCES parallax.view_version ON DELETE CASCADE,
            cause      text NOT NULL,
            -- Groups whose difference it is. Each group that differs counts once in all: so they add up.
            groups     bigint NOT NULL,
            -- Records that it is counted by; null where it is not counted by records.
            records    bigint,
            PRIMARY KEY (run_id, version_id, cause)
        );

        CREATE TABLE parallax.drift_group (
            run_id       bigint NOT NULL,
            version_id   integer NOT NULL REFERENCES parallax.view_version ON DELETE CASCADE,
            output       text NOT NULL,
            group_column text NOT NULL,
            place        integer NOT NULL,
            value        text,
            groups       bigint NOT NULL,
            -- Sum of the differences' sizes; of what is no number, the groups that differ.
            difference   double precision,
            -- Of all groups' differences.
            share        double precision,
            PRIMARY KEY (run_id, version_id, output, group_column, place)
        );
        COMMENT ON TABLE parallax.drift_group IS 'The values of each group column with the largest part of the drift, for recent runs.';

        CREATE TABLE parallax.compared_row (
            run_id       bigint NOT NULL,
            version_id   integer NOT NULL REFERENCES parallax.view_version ON DELETE CASCADE,
            -- By the size of the difference, the largest first; rows without one come last.
            place        bigint NOT NULL,
            window_start timestamptz,
            is_different boolean NOT NULL,
            causes       text[] NOT NULL,
            late         bigint NOT NULL,
            duplicates   bigint NOT NULL,
            healed       bigint NOT NULL,
            -- The outputs as text, in the view's order; null where the layer has no such row.
            live         text[],
            batch        text[],
            PRIMARY KEY (run_id, version_id, place)
        );
        CREATE INDEX ON parallax.compared_row (version_id, run_id, window_start);
        COMMENT ON TABLE parallax.compared_row IS 'Both layers'' values of the rows that a run compared, for recent runs: what comparison.<view> shows.';

        CREATE SCHEMA IF NOT EXISTS comparison;
        COMMENT ON SCHEMA comparison IS 'What both layers said over the same records, row by row, for recent runs.';

        CREATE VIEW serving.comparison_summary AS
        SELECT s.name AS source, w.name AS view, v.hash AS version, d.run_id AS run, r.state, r.finished_at, d.output,
               d.has_live_rows AS is_compared, d.groups AS rows, d.groups - d.differing - d.only_merged - d.only_batch AS equal,
               d.differing AS different, d.only_merged AS only_live, d.only_batch, d.merged_total AS live_total, d.batch_total, d.share AS drift,
               w.max_drift, d.max_difference, d.mean_difference, d.p99_difference, d.max_relative, d.mean_relative, d.p99_relative,
               d.windows, d.differing_windows,
               (SELECT jsonb_object_agg(c.cause, jsonb_build_object('rows', c.groups, 'records', c.records) ORDER BY c.cause)
                FROM parallax.drift_cause c WHERE c.run_id = d.run_id AND c.version_id = d.version_id) AS causes
        FROM parallax.drift d JOIN parallax.run r USING (run_id) JOIN parallax.view_version v USING (version_id)
        JOIN parallax.view w USING (view_id) JOIN parallax.source s ON s.source_id = w.source_id
        -- Of the views that the reader may read.
        WHERE has_table_privilege(to_regclass('serving.' || quote_ident(w.name)), 'SELECT');
        COMMENT ON VIEW serving.comparison_summary IS 'How far the live rows were from the exact ones: a row a run, view and output. drift is the share that max_drift is compared with.';
        """)
