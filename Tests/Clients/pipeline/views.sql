-- What the clients ask. Every sale is over 2.50, so that an answer shows by itself whether it is whole: revenue = 2.50 * sales.

CREATE FOREIGN TABLE sale (
  id bigint NOT NULL, at timestamptz NOT NULL, shop text NOT NULL, product text, amount numeric(12,2),
  paid boolean, day date, local timestamp, pause interval, receipt uuid, details jsonb, tags text[], scores integer[], weight double precision
) SERVER parallax OPTIONS (event_id 'id', event_time 'at', out_of_orderness '0 seconds', lateness '365 days');

CREATE MATERIALIZED VIEW sales_by_hour AS
SELECT tumble(at, '1 hour') AS hour, shop, count(*) AS sales, sum(amount) AS revenue, count(DISTINCT product) AS products, avg(weight) AS weight
FROM sale GROUP BY hour, shop;

CREATE MATERIALIZED VIEW sales_by_shop AS
SELECT shop, count(*) AS sales, sum(amount) AS revenue FROM sale GROUP BY shop;

-- The types that drivers read, one sale a shop.
CREATE MATERIALIZED VIEW newest_sale AS
SELECT DISTINCT ON (shop) shop, id, at, product, amount, paid, day, local, pause, receipt, details, tags, scores, weight
FROM sale ORDER BY shop, at DESC;
