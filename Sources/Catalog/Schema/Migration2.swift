/// What was given up becomes part of the answers: accepted gaps, and the frontier with them.
let migration2 = Migration(
    number: 2, name: "accepted gaps",
    sql: """
        CREATE TABLE parallax.accepted_gap (
            source_id    integer NOT NULL REFERENCES parallax.source ON DELETE CASCADE,
            partition    integer NOT NULL,
            first_offset bigint NOT NULL,
            -- The first offset that is not lost.
            next_offset  bigint NOT NULL,
            accepted_at  timestamptz NOT NULL,
            -- The lost records' event times were in [events_from, events_until): rows of windows that touch it are not exact.
            events_from  timestamptz NOT NULL DEFAULT '-infinity',
            events_until timestamptz NOT NULL DEFAULT 'infinity',
            PRIMARY KEY (source_id, partition, first_offset),
            CHECK (first_offset < next_offset),
            CHECK (events_from < events_until)
        );
        COMMENT ON TABLE parallax.accepted_gap IS 'Offsets that a log lost before they were archived, and that a person gave up: in no answer, for good.';

        CREATE OR REPLACE VIEW parallax.frontier AS
        SELECT s.name AS source, pp.partition, p.run, p.slice, b.first_offset AS cut, pp.next_offset, w.watermark, pp.newest_appended_at,
               (SELECT coalesce(sum(h.first_offset - h.processed_until), 0)::bigint FROM parallax.boundary h
                WHERE h.source_id = pp.source_id AND h.partition = pp.partition AND h.slice > p.slice) AS waiting_records,
               (SELECT coalesce(sum(g.next_offset - g.first_offset), 0)::bigint FROM parallax.accepted_gap g
                WHERE g.source_id = pp.source_id AND g.partition = pp.partition) AS given_up_offsets
        FROM parallax.partition_position pp
        JOIN parallax.source s USING (source_id)
        JOIN parallax.published p USING (source_id)
        JOIN parallax.watermark w USING (source_id)
        LEFT JOIN parallax.boundary b ON b.source_id = pp.source_id AND b.partition = pp.partition AND b.slice = p.slice;
        COMMENT ON VIEW parallax.frontier IS 'What an answer contains: batch rows below the cut, live rows up to next_offset, but for waiting_records that a run took over from a speed layer that was down (they come with its publication) and for given_up_offsets, which the log lost and a person gave up.';
        """)
