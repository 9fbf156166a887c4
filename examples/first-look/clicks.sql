CREATE FOREIGN TABLE click (id bigint, at timestamptz, page text, visitor text)
SERVER parallax OPTIONS (event_id 'id', event_time 'at', lateness '10 minutes');

CREATE MATERIALIZED VIEW clicks AS
SELECT tumble(at, '1 hour') AS hour, page, count(*) AS n, count(DISTINCT visitor) AS visitors
FROM click GROUP BY hour, page;
