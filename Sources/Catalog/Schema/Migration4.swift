/// Tables that events are looked up in, and how their changes are counted.
///
/// A table's generation in a snapshot is the number of transactions that changed it, as far as the snapshot sees them:
///
///     generation = dimension.changes + the rows of dimension_change
///
/// Each transaction that writes the table adds one row of its own, so that no two writers wait for one another, and none is missed, whatever
/// the order in which they commit. Rows are folded into `changes` now and then, in one statement.
let migration4 = Migration(
    number: 4, name: "dimensions",
    sql: """
        CREATE SCHEMA IF NOT EXISTS dimension;

        CREATE TABLE parallax.dimension (
            dimension_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            name         text NOT NULL UNIQUE,
            definition   jsonb NOT NULL,
            schema_name  text NOT NULL,
            -- The pipeline's own: created, altered and dropped with the definitions. Else the user's.
            is_owned     boolean NOT NULL,
            -- No definition names it any more; it goes with the last view version that reads it.
            is_leaving   boolean NOT NULL DEFAULT false,
            changes      bigint NOT NULL DEFAULT 1,
            -- What the speed layer read last, and why it could not read a newer one.
            loaded_generation bigint,
            loaded_rows  bigint,
            loaded_bytes bigint,
            loaded_at    timestamptz,
            problem      text
        );
        COMMENT ON TABLE parallax.dimension IS 'Tables that views look events up in.';

        CREATE TABLE parallax.dimension_change (
            dimension_id   integer NOT NULL REFERENCES parallax.dimension ON DELETE CASCADE,
            transaction_id xid8 NOT NULL,
            PRIMARY KEY (dimension_id, transaction_id)
        );
        COMMENT ON TABLE parallax.dimension_change IS 'One row for each transaction that changed a dimension, until it is counted in dimension.changes.';

        CREATE VIEW parallax.dimension_generation AS
        SELECT d.dimension_id, d.name,
               d.changes + (SELECT count(*) FROM parallax.dimension_change c WHERE c.dimension_id = d.dimension_id) AS generation
        FROM parallax.dimension d;
        COMMENT ON VIEW parallax.dimension_generation IS 'Grows with every transaction that changes a dimension.';

        -- Whoever may write the table may be counted.
        CREATE FUNCTION parallax.note_dimension_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
        BEGIN
            INSERT INTO parallax.dimension_change (dimension_id, transaction_id)
            SELECT dimension_id, pg_current_xact_id() FROM parallax.dimension WHERE dimension_id = TG_ARGV[0]::integer
            ON CONFLICT DO NOTHING;
            RETURN NULL;
        END $$;

        CREATE TABLE parallax.run_dimension (
            run_id       bigint NOT NULL REFERENCES parallax.run ON DELETE CASCADE,
            dimension_id integer NOT NULL,
            generation   bigint NOT NULL,
            row_count    bigint NOT NULL,
            PRIMARY KEY (run_id, dimension_id)
        );
        COMMENT ON TABLE parallax.run_dimension IS 'Which generation of each dimension a run''s rows were computed with.';
        """)
