/// What layers cannot do at the moment.
let migration12 = Migration(
    number: 12, name: "layer troubles",
    sql: """
        CREATE TABLE parallax.trouble (
            -- speed, archive or batch.
            layer     text NOT NULL,
            -- No foreign key: its check would wait for whoever changes the source, or stages a run of it. An apply takes away what is left of dropped ones.
            source_id integer NOT NULL,
            -- What of the source: its log, a group, a partition.
            subject   text NOT NULL,
            -- A ParallaxError's.
            code      text NOT NULL,
            message   text NOT NULL,
            detail    text,
            hint      text,
            -- Of this error; another one begins anew.
            since     timestamptz NOT NULL DEFAULT clock_timestamp(),
            seen_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
            seen      bigint NOT NULL DEFAULT 1,
            PRIMARY KEY (layer, source_id, subject)
        );
        COMMENT ON TABLE parallax.trouble IS 'What a layer cannot do for a source now, and why. A row goes when the layer can again. For people.';
        """)
