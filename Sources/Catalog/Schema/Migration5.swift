/// What the clients of logs behind a network say of themselves.
let migration5 = Migration(
    number: 5, name: "log clients",
    sql: """
        CREATE TABLE parallax.log_client (
            worker_id   uuid NOT NULL REFERENCES parallax.worker ON DELETE CASCADE,
            source_id   integer NOT NULL REFERENCES parallax.source ON DELETE CASCADE,
            -- A LogClientReport.
            report      jsonb NOT NULL,
            reported_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (worker_id, source_id)
        );
        COMMENT ON TABLE parallax.log_client IS 'What each speed worker''s connection to a log says: brokers, errors, rebalances. For people.';
        """)
