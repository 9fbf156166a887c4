/// Positions are bound to a log.
let migration7 = Migration(
    number: 7, name: "positions are bound to a log",
    sql: """
        -- A record below next_offset that the log is known by: see LogWitness. Null: none is known yet.
        ALTER TABLE parallax.partition_position ADD COLUMN witness_offset bigint;
        -- Microseconds since 1970: compared, never computed with.
        ALTER TABLE parallax.partition_position ADD COLUMN witness_appended_at bigint;
        ALTER TABLE parallax.partition_position ADD COLUMN witness_digest bigint;
        -- Why the speed layer stands still here, for people: code, message, detail, hint. Gone with the next flush.
        ALTER TABLE parallax.partition_position ADD COLUMN problem jsonb;

        CREATE TABLE parallax.source_log (
            source_id  integer PRIMARY KEY REFERENCES parallax.source ON DELETE CASCADE,
            -- A LogBinding: which log it is, and how its offsets are numbered.
            binding    jsonb NOT NULL,
            -- Host and folder of whoever found the log first, for people.
            place      text NOT NULL,
            bound_at   timestamptz NOT NULL DEFAULT now()
        );
        COMMENT ON TABLE parallax.source_log IS 'The log that the offsets of a source belong to.';
        """)
