-- One page request of a web server. The log is sorted by the end of each request, the event time is its beginning: events arrive out of order,
-- here by up to a minute.
CREATE FOREIGN TABLE web_access (
  event_id text, event_time timestamptz, visitor text, method text, path text, status int, bytes bigint, referrer text, agent text
) SERVER parallax OPTIONS (topic 'web_access', event_id 'event_id', event_time 'event_time',
                           out_of_orderness '1 minute', lateness '1 hour');

CREATE MATERIALIZED VIEW requests_by_minute AS
SELECT tumble(event_time, '1 minute') AS minute, status,
       count(*) AS requests, sum(bytes) AS bytes, count(DISTINCT visitor) AS visitors, max(bytes) AS largest
FROM web_access GROUP BY minute, status;

CREATE MATERIALIZED VIEW requests_by_path AS
SELECT tumble(event_time, '1 day') AS day, path,
       count(*) AS requests, count(DISTINCT visitor) AS visitors, avg(bytes) AS average_bytes
FROM web_access WHERE status < 400 AND method = 'GET' GROUP BY day, path;

CREATE VIEW top_paths AS
SELECT day, path, requests, visitors, rank
FROM (SELECT day, path, requests, visitors, rank() OVER (PARTITION BY day ORDER BY requests DESC, path) AS rank
      FROM requests_by_path) ranked
WHERE rank <= 10;

CREATE VIEW errors_by_minute AS
SELECT minute, sum(requests) AS requests FROM requests_by_minute WHERE status >= 500 GROUP BY minute;
