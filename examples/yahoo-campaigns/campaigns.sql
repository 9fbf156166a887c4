-- The Yahoo streaming benchmark: how many views did each campaign's ads have, in windows of ten seconds?

CREATE FOREIGN TABLE ad_event (
  event_id uuid, event_time timestamptz, user_id uuid, page_id uuid, ad_id uuid, ad_type text, event_type text, ip_address text
) SERVER parallax OPTIONS (event_id 'event_id', event_time 'event_time', out_of_orderness '5 seconds', lateness '1 hour');

CREATE TABLE ad (ad_id uuid PRIMARY KEY, campaign_id uuid NOT NULL);

CREATE MATERIALIZED VIEW campaign_views AS
SELECT tumble(e.event_time, '10 seconds') AS start, a.campaign_id, count(*) AS views, max(e.event_time) AS newest_view
FROM ad_event AS e JOIN ad AS a ON a.ad_id = e.ad_id
WHERE e.event_type = 'view'
GROUP BY start, a.campaign_id;

-- The campaigns of the newest windows, as a dashboard shows them.
CREATE VIEW top_campaigns AS
SELECT start, campaign_id, views FROM (
  SELECT *, rank() OVER (PARTITION BY start ORDER BY views DESC, campaign_id) AS place FROM campaign_views) ranked
WHERE place <= 10;
