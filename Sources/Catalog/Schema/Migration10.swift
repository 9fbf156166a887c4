/// Whose clock is believed, and who lives.
let migration10 = Migration(
    number: 10, name: "clocks and leases",
    sql: """
        -- The rest of what the watermark's rule goes on from, beside max_event_time: the event time of a jump that one event alone has made, and
        -- whether the last event in time was history when it was appended.
        ALTER TABLE parallax.partition_position ADD COLUMN leading_event_time timestamptz;
        ALTER TABLE parallax.partition_position ADD COLUMN reads_history boolean NOT NULL DEFAULT false;

        -- A process that owns something says that it lives by two signs: an advisory lock that its session holds, of this number, which vanishes with the
        -- session; and alive_until, which it moves on by a thread and a connection of their own, whatever its session waits for.
        CREATE SEQUENCE parallax.session AS integer CYCLE;
        ALTER TABLE parallax.worker ADD COLUMN session integer;
        ALTER TABLE parallax.worker ADD COLUMN alive_until timestamptz;
        COMMENT ON TABLE parallax.worker IS 'Speed workers, and runs under way: who they are, and until when they are believed to live.';
        ALTER TABLE parallax.partition_position ADD COLUMN owner_session integer;
        -- owner_backend_pid, owner_backend_start and lease_expires_at are not read any more. They stay so that a worker of an older version, which
        -- may still run, ends with its own message. Whatever it owns is free.
        -- What a run and a publication know of event times belongs to one definition of them.
        ALTER TABLE parallax.run ADD COLUMN leading_event_time timestamptz;
        ALTER TABLE parallax.run ADD COLUMN event_time_form text;
        ALTER TABLE parallax.publication ADD COLUMN leading_event_time timestamptz;
        ALTER TABLE parallax.publication ADD COLUMN event_time_form text;

        UPDATE parallax.partition_position SET epoch = epoch + 1, owner = NULL WHERE owner IS NOT NULL;
        """)
