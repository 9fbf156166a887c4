-- The Nexmark benchmark's streams: people, what they put up for auction, and bids. `parallax generate` knows these sources by their columns.
CREATE FOREIGN TABLE bid (
  bid_id bigint, date_time timestamptz, auction bigint, bidder bigint, price bigint, channel text, url text, extra text
) SERVER parallax OPTIONS (topic 'bid', event_id 'bid_id', event_time 'date_time', out_of_orderness '4 seconds', lateness '1 hour');

CREATE FOREIGN TABLE auction (
  id bigint, date_time timestamptz, item_name text, description text, initial_bid bigint, reserve bigint, expires timestamptz, seller bigint,
  category bigint, extra text
) SERVER parallax OPTIONS (topic 'auction', event_id 'id', event_time 'date_time', out_of_orderness '4 seconds', lateness '1 hour');

CREATE FOREIGN TABLE person (
  id bigint, date_time timestamptz, name text, email_address text, credit_card text, city text, state text, extra text
) SERVER parallax OPTIONS (topic 'person', event_id 'id', event_time 'date_time', out_of_orderness '4 seconds', lateness '1 hour');

-- Query 0, pass through: one row a bid. A table of the newest event per key, whose key is the bid's own, is the stream as a table.
CREATE MATERIALIZED VIEW q0 AS
SELECT DISTINCT ON (bid_id) bid_id, auction, bidder, price, date_time, extra FROM bid ORDER BY bid_id, date_time DESC;

-- Query 1, currency conversion.
CREATE MATERIALIZED VIEW q1 AS
SELECT DISTINCT ON (bid_id) bid_id, auction, bidder, 0.908 * price AS price, date_time, extra FROM bid ORDER BY bid_id, date_time DESC;

-- Query 2, selection.
CREATE MATERIALIZED VIEW q2 AS
SELECT DISTINCT ON (bid_id) bid_id, auction, price FROM bid WHERE auction % 123 = 0 ORDER BY bid_id, date_time DESC;

-- Query 11, user sessions: how many bids a person made while active.
CREATE MATERIALIZED VIEW q11 AS
SELECT session(date_time, '10 seconds') AS start, start_end, bidder, count(*) AS bids FROM bid GROUP BY start, bidder;

-- Query 12, bids a person and window, here by event time.
CREATE MATERIALIZED VIEW q12 AS
SELECT tumble(date_time, '10 seconds') AS start, start_end, bidder, count(*) AS bids FROM bid GROUP BY start, bidder;

-- Query 14, calculation: a price in another currency, the time of day, letters counted.
CREATE MATERIALIZED VIEW q14 AS
SELECT DISTINCT ON (bid_id) bid_id, auction, bidder, 0.908 * price AS price,
       CASE WHEN extract(hour FROM date_time) >= 8 AND extract(hour FROM date_time) <= 18 THEN 'dayTime'
            WHEN extract(hour FROM date_time) <= 6 OR extract(hour FROM date_time) >= 20 THEN 'nightTime' ELSE 'otherTime' END AS bid_time_type,
       date_time, extra, length(extra) - length(replace(extra, 'c', '')) AS c_counts
FROM bid WHERE 0.908 * price > 1000000 AND 0.908 * price < 50000000 ORDER BY bid_id, date_time DESC;

-- Query 15, bidding statistics a day.
CREATE MATERIALIZED VIEW q15 AS
SELECT date_trunc('day', date_time, 'UTC') AS day, count(*) AS total_bids,
       count(*) FILTER (WHERE price < 10000) AS rank1_bids,
       count(*) FILTER (WHERE price >= 10000 AND price < 1000000) AS rank2_bids,
       count(*) FILTER (WHERE price >= 1000000) AS rank3_bids,
       count(DISTINCT bidder) AS total_bidders,
       count(DISTINCT bidder) FILTER (WHERE price < 10000) AS rank1_bidders,
       count(DISTINCT bidder) FILTER (WHERE price >= 10000 AND price < 1000000) AS rank2_bidders,
       count(DISTINCT bidder) FILTER (WHERE price >= 1000000) AS rank3_bidders,
       count(DISTINCT auction) AS total_auctions,
       count(DISTINCT auction) FILTER (WHERE price < 10000) AS rank1_auctions,
       count(DISTINCT auction) FILTER (WHERE price >= 10000 AND price < 1000000) AS rank2_auctions,
       count(DISTINCT auction) FILTER (WHERE price >= 1000000) AS rank3_auctions
FROM bid GROUP BY day;

-- Query 16, the same a channel; the last minute is a time here, which a dashboard formats.
CREATE MATERIALIZED VIEW q16 AS
SELECT channel, date_trunc('day', date_time, 'UTC') AS day, max(date_trunc('minute', date_time + interval '0')) AS minute, count(*) AS total_bids,
       count(*) FILTER (WHERE price < 10000) AS rank1_bids,
       count(*) FILTER (WHERE price >= 10000 AND price < 1000000) AS rank2_bids,
       count(*) FILTER (WHERE price >= 1000000) AS rank3_bids,
       count(DISTINCT bidder) AS total_bidders,
       count(DISTINCT bidder) FILTER (WHERE price < 10000) AS rank1_bidders,
       count(DISTINCT bidder) FILTER (WHERE price >= 10000 AND price < 1000000) AS rank2_bidders,
       count(DISTINCT bidder) FILTER (WHERE price >= 1000000) AS rank3_bidders,
       count(DISTINCT auction) AS total_auctions,
       count(DISTINCT auction) FILTER (WHERE price < 10000) AS rank1_auctions,
       count(DISTINCT auction) FILTER (WHERE price >= 10000 AND price < 1000000) AS rank2_auctions,
       count(DISTINCT auction) FILTER (WHERE price >= 1000000) AS rank3_auctions
FROM bid GROUP BY channel, day;

-- Query 17, an auction's statistics a day.
CREATE MATERIALIZED VIEW q17 AS
SELECT auction, date_trunc('day', date_time, 'UTC') AS day, count(*) AS total_bids,
       count(*) FILTER (WHERE price < 10000) AS rank1_bids,
       count(*) FILTER (WHERE price >= 10000 AND price < 1000000) AS rank2_bids,
       count(*) FILTER (WHERE price >= 1000000) AS rank3_bids,
       min(price) AS min_price, max(price) AS max_price, avg(price) AS avg_price, sum(price) AS sum_price
FROM bid GROUP BY auction, day;

-- Query 18, a person's last bid for each auction.
CREATE MATERIALIZED VIEW q18 AS
SELECT DISTINCT ON (bidder, auction) bidder, auction, price, channel, url, date_time, extra
FROM bid ORDER BY bidder, auction, date_time DESC;

-- Query 19, the ten highest bids of each auction: PostgreSQL's own work over the bids.
CREATE VIEW q19 AS
SELECT * FROM (SELECT bid_id, auction, bidder, price, row_number() OVER (PARTITION BY auction ORDER BY price DESC, bid_id) AS rank_number FROM q0) ranked
WHERE rank_number <= 10;

-- Query 21, a channel's id: known for the large ones, else a parameter of the bid's URL.
CREATE MATERIALIZED VIEW q21 AS
SELECT DISTINCT ON (bid_id) bid_id, auction, bidder, price, channel,
       CASE lower(channel) WHEN 'apple' THEN '0' WHEN 'google' THEN '1' WHEN 'facebook' THEN '2' WHEN 'baidu' THEN '3'
            ELSE split_part(split_part(url, 'channel_id=', 2), '&', 1) END AS channel_id
FROM bid
WHERE lower(channel) IN ('apple', 'google', 'facebook', 'baidu') OR split_part(url, 'channel_id=', 2) <> ''
ORDER BY bid_id, date_time DESC;

-- Query 22, directories of the URL.
CREATE MATERIALIZED VIEW q22 AS
SELECT DISTINCT ON (bid_id) bid_id, auction, bidder, price, channel, split_part(url, '/', 4) AS dir1, split_part(url, '/', 5) AS dir2,
       split_part(url, '/', 6) AS dir3
FROM bid ORDER BY bid_id, date_time DESC;

-- Of the other two streams.
CREATE MATERIALIZED VIEW auctions_by_category AS
SELECT hop(date_time, '10 seconds', '1 minute') AS start, category, count(*) AS auctions, avg(initial_bid) AS average_initial_bid,
       max(reserve - initial_bid) AS largest_step, percentile_disc(0.5) WITHIN GROUP (ORDER BY reserve) AS median_reserve
FROM auction GROUP BY start, category;

CREATE MATERIALIZED VIEW persons_by_state AS
SELECT state, city, count(*) AS persons, count(DISTINCT name) AS names, last(name, date_time) AS newest FROM person GROUP BY state, city;
