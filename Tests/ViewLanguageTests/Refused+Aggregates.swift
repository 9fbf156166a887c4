/// Aggregates, and functions that are none. A statement (or a part of one, see `RefusalTests`), and what is printed for it.
let refusedAggregates = #"""
    SELECT count(*) FROM event WHERE count(*) > 1
    views.sql:2:34: error: aggregate functions are not allowed in WHERE
        2 | SELECT count(*) FROM event WHERE count(*) > 1
          |                                  ^
    hint: filter the view's rows in a CREATE VIEW on top of it

    SELECT sum(count(*)) FROM event
    views.sql:2:12: error: aggregate function calls cannot be nested
        2 | SELECT sum(count(*)) FROM event
          |            ^

    SELECT count(*) FILTER (WHERE sum(quantity) > 1) FROM event
    views.sql:2:31: error: aggregate functions are not allowed in FILTER
        2 | SELECT count(*) FILTER (WHERE sum(quantity) > 1) FROM event
          |                               ^

    SELECT count(*) FILTER (WHERE quantity) FROM event
    views.sql:2:31: error: argument of FILTER must be type boolean, not type integer
        2 | SELECT count(*) FILTER (WHERE quantity) FROM event
          |                               ^

    SELECT page FILTER (WHERE ok) FROM event
    views.sql:2:13: error: syntax error at or near "FILTER"
        2 | SELECT page FILTER (WHERE ok) FROM event
          |             ^

    SELECT lower(page) FILTER (WHERE ok) AS l FROM event GROUP BY 1
    views.sql:2:8: error: FILTER specified, but lower is not an aggregate function
        2 | SELECT lower(page) FILTER (WHERE ok) AS l FROM event GROUP BY 1
          |        ^

    SELECT count() FROM event
    views.sql:2:8: error: count(*) must be used to call a parameterless aggregate function
        2 | SELECT count() FROM event
          |        ^

    SELECT sum(*) FROM event
    views.sql:2:8: error: function sum() does not exist
        2 | SELECT sum(*) FROM event
          |        ^
    hint: no function matches the given name and argument types; you might need to add explicit type casts

    SELECT sum() FROM event
    views.sql:2:8: error: function sum() does not exist
        2 | SELECT sum() FROM event
          |        ^
    hint: no function matches the given name and argument types; you might need to add explicit type casts

    SELECT sum(quantity, duration) FROM event
    views.sql:2:8: error: function sum(integer, bigint) does not exist
        2 | SELECT sum(quantity, duration) FROM event
          |        ^
    hint: no function matches the given name and argument types; you might need to add explicit type casts

    SELECT sum(page) FROM event
    views.sql:2:8: error: function sum(text) does not exist
        2 | SELECT sum(page) FROM event
          |        ^
    hint: no function matches the given name and argument types; you might need to add explicit type casts

    SELECT avg(ok) FROM event
    views.sql:2:8: error: function avg(boolean) does not exist
        2 | SELECT avg(ok) FROM event
          |        ^
    hint: no function matches the given name and argument types; you might need to add explicit type casts

    SELECT sum(at) FROM event
    views.sql:2:8: error: function sum(timestamp with time zone) does not exist
        2 | SELECT sum(at) FROM event
          |        ^
    hint: no function matches the given name and argument types; you might need to add explicit type casts

    SELECT sum('1') FROM event
    views.sql:2:8: error: function sum(unknown) is not unique
        2 | SELECT sum('1') FROM event
          |        ^
    hint: could not choose a best candidate function; you might need to add explicit type casts

    SELECT min(id) FROM event
    views.sql:2:8: error: function min(uuid) does not exist
        2 | SELECT min(id) FROM event
          |        ^
    hint: no function matches the given name and argument types; you might need to add explicit type casts

    SELECT max(ok) FROM event
    views.sql:2:8: error: function max(boolean) does not exist
        2 | SELECT max(ok) FROM event
          |        ^
    hint: no function matches the given name and argument types; you might need to add explicit type casts

    SELECT count(page ORDER BY page) FROM event
    views.sql:2:28: error: ORDER BY in an aggregate is not supported here
        2 | SELECT count(page ORDER BY page) FROM event
          |                            ^

    SELECT count(VARIADIC page) FROM event
    views.sql:2:8: error: VARIADIC is not supported here
        2 | SELECT count(VARIADIC page) FROM event
          |        ^

    SELECT percentile_cont(0.95) FROM event
    views.sql:2:8: error: WITHIN GROUP is required for ordered-set aggregate percentile_cont
        2 | SELECT percentile_cont(0.95) FROM event
          |        ^
    hint: write percentile_cont(0.95) WITHIN GROUP (ORDER BY a column)

    SELECT percentile_cont(1.5) WITHIN GROUP (ORDER BY duration) FROM event
    views.sql:2:24: error: percentile value 1.5 is not between 0 and 1
        2 | SELECT percentile_cont(1.5) WITHIN GROUP (ORDER BY duration) FROM event
          |                        ^

    SELECT percentile_disc(quantity) WITHIN GROUP (ORDER BY duration) FROM event
    views.sql:2:24: error: the fraction of a percentile must be a constant number
        2 | SELECT percentile_disc(quantity) WITHIN GROUP (ORDER BY duration) FROM event
          |                        ^
    hint: such as 0.95, or ARRAY[0.5, 0.95]

    SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY page) FROM event
    views.sql:2:52: error: percentile_disc over text is not supported
        2 | SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY page) FROM event
          |                                                    ^
    hint: order by a number, such as a duration in milliseconds, or by an interval

    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY duration DESC) FROM event
    views.sql:2:52: error: only ascending order is supported in WITHIN GROUP
        2 | SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY duration DESC) FROM event
          |                                                    ^
    hint: take 1 minus the fraction

    SELECT first(page, quantity) AS f FROM event
    views.sql:2:20: error: first orders by a timestamp with time zone, not by integer
        2 | SELECT first(page, quantity) AS f FROM event
          |                    ^
    hint: such as first(amount, at)

    SELECT last(page) AS l FROM event
    views.sql:2:8: error: function last(text) does not exist
        2 | SELECT last(page) AS l FROM event
          |        ^
    hint: no function matches the given name and argument types; you might need to add explicit type casts

    SELECT bool_and(page) AS b FROM event
    views.sql:2:8: error: function bool_and(text) does not exist
        2 | SELECT bool_and(page) AS b FROM event
          |        ^
    hint: no function matches the given name and argument types; you might need to add explicit type casts

    SELECT stddev(DISTINCT quantity) AS b FROM event
    views.sql:2:8: error: stddev(DISTINCT …) is not supported yet
        2 | SELECT stddev(DISTINCT quantity) AS b FROM event
          |        ^
    hint: count, sum and avg of DISTINCT values are

    SELECT count(*) + quantity AS n FROM event
    views.sql:2:19: error: column "event.quantity" must appear in the GROUP BY clause or be used in an aggregate function
        2 | SELECT count(*) + quantity AS n FROM event
          |                   ^

    SELECT count(*) + random() AS n FROM event
    views.sql:2:19: error: random() is not deterministic: a view must give the same result at any time
        2 | SELECT count(*) + random() AS n FROM event
          |                   ^
    hint: use a column of the event, or filter in a CREATE VIEW on top of this view

    SELECT sum(count(*)) + 1 AS n FROM event
    views.sql:2:12: error: aggregate function calls cannot be nested
        2 | SELECT sum(count(*)) + 1 AS n FROM event
          |            ^

    SELECT count(*) + (SELECT 1) AS n FROM event
    views.sql:2:19: error: sub-queries are not supported in a materialized view
        2 | SELECT count(*) + (SELECT 1) AS n FROM event
          |                   ^
    hint: use them in a CREATE VIEW on top of it

    SELECT count(*) WITHIN GROUP (ORDER BY page) FROM event
    views.sql:2:8: error: count is not an ordered-set aggregate, so it cannot have WITHIN GROUP
        2 | SELECT count(*) WITHIN GROUP (ORDER BY page) FROM event
          |        ^

    SELECT bit_or(page) AS b FROM event
    views.sql:2:8: error: function bit_or(text) does not exist
        2 | SELECT bit_or(page) AS b FROM event
          |        ^
    hint: no function matches the given name and argument types; you might need to add explicit type casts

    SELECT bit_xor(DISTINCT quantity) AS b FROM event
    views.sql:2:8: error: bit_xor(DISTINCT …) is not supported yet
        2 | SELECT bit_xor(DISTINCT quantity) AS b FROM event
          |        ^
    hint: count, sum and avg of DISTINCT values are

    SELECT string_agg(page, ',') FROM event
    views.sql:2:8: error: aggregate string_agg is not supported yet
        2 | SELECT string_agg(page, ',') FROM event
          |        ^
    hint: supported aggregates: count, sum, avg, min, max, bool_and, bool_or, every, bit_and, bit_or, bit_xor, stddev, stddev_pop, stddev_samp, variance, var_pop, var_samp, percentile_cont, percentile_disc, first, last

    SELECT cuont(*) FROM event
    views.sql:2:8: error: function cuont() does not exist
        2 | SELECT cuont(*) FROM event
          |        ^
    hint: did you mean "count"?

    SELECT frobnicate(page) AS f, count(*) FROM event GROUP BY 1
    views.sql:2:8: error: function frobnicate(text) does not exist
        2 | SELECT frobnicate(page) AS f, count(*) FROM event GROUP BY 1
          |        ^
    hint: docs/reference/sql.md lists the functions that a view may use

    SELECT my.count(*) FROM event
    views.sql:2:8: error: function my.count does not exist
        2 | SELECT my.count(*) FROM event
          |        ^

    SELECT count(*) FROM event WHERE at > now()
    views.sql:2:39: error: now() is not deterministic: a view must give the same result at any time
        2 | SELECT count(*) FROM event WHERE at > now()
          |                                       ^
    hint: use a column of the event, or filter in a CREATE VIEW on top of this view

    SELECT count(*) FROM event WHERE at > CURRENT_TIMESTAMP
    views.sql:2:39: error: current_timestamp is not deterministic: a view must give the same result at any time
        2 | SELECT count(*) FROM event WHERE at > CURRENT_TIMESTAMP
          |                                       ^
    hint: use a column of the event, or filter in a CREATE VIEW on top of this view

    SELECT count(*) FROM event WHERE random() > 0.5
    views.sql:2:34: error: random() is not deterministic: a view must give the same result at any time
        2 | SELECT count(*) FROM event WHERE random() > 0.5
          |                                  ^
    hint: use a column of the event, or filter in a CREATE VIEW on top of this view

    SELECT sum(DISTINCT at - at) AS a FROM event
    views.sql:2:8: error: sum(DISTINCT …) of intervals is not supported: of equal ones such as '1 day' and '24:00' either may be the one that counts
        2 | SELECT sum(DISTINCT at - at) AS a FROM event
          |        ^
    hint: take sum(DISTINCT extract(epoch FROM x)), which counts seconds

    SELECT stddev(at - at) AS a FROM event
    views.sql:2:8: error: function stddev(interval) does not exist
        2 | SELECT stddev(at - at) AS a FROM event
          |        ^
    hint: no function matches the given name and argument types; you might need to add explicit type casts
    """#
