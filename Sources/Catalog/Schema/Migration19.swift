/// What runs were computed from, who took publications back, and answers that are kept to be judged.
let migration19 = Migration(
    number: 19, name: "inputs, reverts, answers",
    sql: """
        ALTER TABLE parallax.run ADD COLUMN input_events bigint;
        ALTER TABLE parallax.publication ADD COLUMN input_events bigint;
        COMMENT ON COLUMN parallax.publication.input_events IS
            'Events below the cut that its rows were computed from, each once: at least so many. Null: nobody has counted them.';

        -- Of a run whose publication was taken back.
        ALTER TABLE parallax.run ADD COLUMN reverted_at timestamptz;
        ALTER TABLE parallax.run ADD COLUMN reverted_by text;
        -- The run that was published then, and the one that was published from then on.
        ALTER TABLE parallax.run ADD COLUMN reverted_from bigint;
        ALTER TABLE parallax.run ADD COLUMN reverted_to bigint;

        CREATE TABLE parallax.served_answer (
            answer_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            -- No foreign key: who drops a version must not wait for who keeps answers. The clean-up after a publication takes away what is left.
            version_id    integer NOT NULL,
            -- By the database's clock, in the answer's snapshot.
            served_at     timestamptz NOT NULL,
            run           bigint NOT NULL,
            slice         bigint NOT NULL,
            watermark     timestamptz,
            -- By partition: live rows held the offsets below it.
            offsets       jsonb NOT NULL,
            -- The windows whose rows it had all of: their starts from, and before. Null: it was asked for some rows only, or had more than are kept.
            windows_from  timestamptz,
            windows_until timestamptz
        );
        CREATE INDEX ON parallax.served_answer (version_id);
        CREATE INDEX ON parallax.served_answer (served_at);
        COMMENT ON TABLE parallax.served_answer IS 'A sample of the answers of the HTTP API, with what they contained, to be compared with the rows of later runs.';

        CREATE TABLE parallax.served_row (
            answer_id    bigint NOT NULL REFERENCES parallax.served_answer ON DELETE CASCADE,
            window_start timestamptz NOT NULL,
            window_end   timestamptz NOT NULL,
            -- The group columns' values, as text, in the order of GROUP BY.
            groups       jsonb NOT NULL,
            -- The numbers, as text, by output.
            numbers      jsonb NOT NULL,
            is_exact     boolean,
            is_closed    boolean
        );
        CREATE INDEX ON parallax.served_row (answer_id);
        COMMENT ON TABLE parallax.served_row IS 'Rows of these answers. They hold values of groups, whatever row security says of them: no role that reads is given it.';
        """)
