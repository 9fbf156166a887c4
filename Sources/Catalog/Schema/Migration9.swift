/// What a publication was computed from, beside the log: the shape of tables, and what had been given up.
let migration9 = Migration(
    number: 9, name: "what runs were computed from",
    sql: """
        -- See Catalog.shape: statements that change a table without firing its trigger change this. Null: not known, taken for a change.
        ALTER TABLE parallax.run_dimension ADD COLUMN shape text;

        -- The offsets below the cut that a person had given up, as text. Null: not known.
        ALTER TABLE parallax.run ADD COLUMN given_up text;
        ALTER TABLE parallax.publication ADD COLUMN given_up text;

        -- Whether the speed layer had any row to compare. Null: not known.
        ALTER TABLE parallax.drift ADD COLUMN has_live_rows boolean;
        COMMENT ON COLUMN parallax.drift.merged_total IS 'Sum over the compared groups; null for outputs whose sum means nothing.';
        COMMENT ON COLUMN parallax.drift.batch_total IS 'Sum over the compared groups; null for outputs whose sum means nothing.';
        """)
