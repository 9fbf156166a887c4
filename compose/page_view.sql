-- A source: one JSON object a record. Missing fields are null, unknown ones are passed over.
-- out_of_orderness: how far behind the newest event the watermark stays.
-- lateness: events further behind the watermark than this wait for the batch layer.
CREATE FOREIGN TABLE page_view (
  event_id uuid, event_time timestamptz, visitor text, page text, country text, amount numeric(12,2), duration_ms bigint
) SERVER parallax OPTIONS (topic 'page_view', event_id 'event_id', event_time 'event_time',
                           out_of_orderness '5 seconds', lateness '1 hour');

-- A view: kept up to date by the speed layer within a second, and recomputed exactly by the batch layer.
CREATE MATERIALIZED VIEW traffic_by_page AS
SELECT tumble(event_time, '1 minute') AS minute, page,
       count(*) AS views, count(DISTINCT visitor) AS visitors, sum(amount) AS revenue,
       count(*) FILTER (WHERE amount > 0) AS purchases, avg(duration_ms) AS average_ms, max(duration_ms) AS longest_ms
FROM page_view WHERE country <> 'ZZ' GROUP BY minute, page;

-- Anything on top is PostgreSQL's own work, over the merged rows.
CREATE VIEW top_pages AS
SELECT minute, page, views, rank
FROM (SELECT minute, page, views, rank() OVER (PARTITION BY minute ORDER BY views DESC, page) AS rank FROM traffic_by_page) ranked
WHERE rank <= 10;
