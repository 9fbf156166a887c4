import ParallaxCore
import Postgres
import ViewLanguage

/// Definitions that change, runs that are held, windows that leave.
let migration3 = Migration(
    number: 3, name: "changing definitions, held runs, retention",
    sql: """
        ALTER TABLE parallax.run DROP CONSTRAINT run_state_check;
        ALTER TABLE parallax.run ADD CONSTRAINT run_state_check CHECK (state IN (
            'requested', 'archiving', 'computing', 'staged', 'held', 'published', 'failed', 'reverted', 'discarded'));
        -- The source's form (see SourceDefinition.form) that the run's rows were computed under.
        ALTER TABLE parallax.run ADD COLUMN source_form text;
        -- The newest believable event time below the cut, without out-of-orderness taken off. Null: not known.
        ALTER TABLE parallax.run ADD COLUMN newest_event_time timestamptz;
        -- Why it was held: views, outputs and shares, for people.
        ALTER TABLE parallax.run ADD COLUMN held_reason text;

        ALTER TABLE parallax.publication ADD COLUMN source_form text;
        ALTER TABLE parallax.publication ADD COLUMN newest_event_time timestamptz;
        -- The watermark at the published cut: what retention is counted from.
        ALTER TABLE parallax.published ADD COLUMN cut_watermark timestamptz;
        ALTER TABLE parallax.publication ADD COLUMN cut_watermark timestamptz;
        ALTER TABLE parallax.run ADD COLUMN cut_watermark timestamptz;

        -- A run whose drift exceeds this share is held. Null: none is.
        ALTER TABLE parallax.view ADD COLUMN max_drift double precision;
        -- The statement in its normal form, for people who compare it with the next; null for versions from before this was kept.
        ALTER TABLE parallax.view_version ADD COLUMN definition text;
        -- Computed by every run, and not served before a person says so.
        ALTER TABLE parallax.view_version ADD COLUMN is_held boolean NOT NULL DEFAULT false;

        -- What max_drift is compared with: the sum of the differences' sizes over the sum of the batch values' sizes; for outputs that are no
        -- numbers the share of groups that differ.
        ALTER TABLE parallax.drift ADD COLUMN share double precision;
        """,
    then: { connection throws(ParallaxError) in
        // Versions are named by another rule: what is stored is named anew, so that nothing is rebuilt. A plan that cannot be read keeps its
        // name; the next apply says that it cannot be read, and builds the view anew.
        let catalog = Catalog(connection)
        for row in try connection.query("SELECT version_id, view_id, plan FROM parallax.view_version ORDER BY version_id").rows {
            guard let plan = try? catalog.decodeStored(Plan.self, row.text(2)) else { continue }
            try connection.query(
                """
                UPDATE parallax.view_version SET hash = $3 WHERE version_id = $1
                AND NOT EXISTS (SELECT 1 FROM parallax.view_version o WHERE o.view_id = $2 AND o.hash = $3)
                """, [.int(try row.int(0)), .int(try row.int(1)), .text(plan.version)])
        }
        for row in try connection.query("SELECT source_id, definition FROM parallax.source").rows {
            guard let source = try? catalog.decodeStored(SourceDefinition.self, row.text(1)) else { continue }
            for table in ["run", "publication"] {
                try connection.query(
                    "UPDATE parallax.\(table) SET source_form = $2 WHERE source_id = $1", [.int(try row.int(0)), .text(source.form)])
            }
        }
    })
