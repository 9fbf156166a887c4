/// Clauses that a materialized view cannot have. A statement (or a part of one, see `RefusalTests`), and what is printed for it.
let refusedClauses = #"""
    SELECT count(*) FROM event UNION ALL SELECT count(*) FROM event
    views.sql:2:28: error: UNION is not supported in a materialized view
        2 | SELECT count(*) FROM event UNION ALL SELECT count(*) FROM event
          |                            ^
    hint: write two views, and the UNION of them in a CREATE VIEW

    SELECT count(*) FROM event EXCEPT SELECT 1
    views.sql:2:28: error: EXCEPT is not supported in a materialized view
        2 | SELECT count(*) FROM event EXCEPT SELECT 1
          |                            ^
    hint: write two views, and the EXCEPT of them in a CREATE VIEW

    WITH x AS (SELECT 1) SELECT count(*) FROM x
    views.sql:2:1: error: WITH is not supported in a materialized view
        2 | WITH x AS (SELECT 1) SELECT count(*) FROM x
          | ^
    hint: a materialized view reads one source

    SELECT page, count(*) FROM event GROUP BY page HAVING quantity > 1
    views.sql:2:55: error: column "event.quantity" must appear in the GROUP BY clause or be used in an aggregate function
        2 | SELECT page, count(*) FROM event GROUP BY page HAVING quantity > 1
          |                                                       ^

    SELECT DISTINCT page FROM event GROUP BY page
    views.sql:2:8: error: SELECT DISTINCT is not supported yet
        2 | SELECT DISTINCT page FROM event GROUP BY page
          |        ^
    hint: GROUP BY the columns

    SELECT page FROM event GROUP BY page ORDER BY page
    views.sql:2:38: error: ORDER BY is not supported in a materialized view
        2 | SELECT page FROM event GROUP BY page ORDER BY page
          |                                      ^
    hint: its rows have no order: sort where you read them

    SELECT page FROM event GROUP BY page LIMIT 1 OFFSET 2
    views.sql:2:38: error: LIMIT is not supported in a materialized view
        2 | SELECT page FROM event GROUP BY page LIMIT 1 OFFSET 2
          |                                      ^
    hint: use it in a CREATE VIEW on top of it
    views.sql:2:46: error: OFFSET is not supported in a materialized view
        2 | SELECT page FROM event GROUP BY page LIMIT 1 OFFSET 2
          |                                              ^
    hint: use it in a CREATE VIEW on top of it

    SELECT page FROM event GROUP BY page FETCH FIRST 3 ROWS ONLY
    views.sql:2:38: error: LIMIT is not supported in a materialized view
        2 | SELECT page FROM event GROUP BY page FETCH FIRST 3 ROWS ONLY
          |                                      ^
    hint: use it in a CREATE VIEW on top of it

    SELECT page FROM event GROUP BY page FOR UPDATE
    views.sql:2:38: error: FOR UPDATE and the like are not supported in a materialized view
        2 | SELECT page FROM event GROUP BY page FOR UPDATE
          |                                      ^

    SELECT page INTO x FROM event GROUP BY page
    views.sql:2:13: error: SELECT INTO is not supported
        2 | SELECT page INTO x FROM event GROUP BY page
          |             ^

    SELECT count(*) OVER () AS n FROM event
    views.sql:2:8: error: window functions are not supported in a materialized view
        2 | SELECT count(*) OVER () AS n FROM event
          |        ^
    hint: use them in a CREATE VIEW on top of it

    SELECT lower(page) OVER () AS n FROM event
    views.sql:2:8: error: window functions are not supported in a materialized view
        2 | SELECT lower(page) OVER () AS n FROM event
          |        ^
    hint: use them in a CREATE VIEW on top of it

    SELECT page, rank() OVER w FROM event GROUP BY page WINDOW w AS (PARTITION BY page)
    views.sql:2:14: error: window functions are not supported in a materialized view
        2 | SELECT page, rank() OVER w FROM event GROUP BY page WINDOW w AS (PARTITION BY page)
          |              ^
    hint: use them in a CREATE VIEW on top of it
    views.sql:2:53: error: window functions are not supported in a materialized view
        2 | SELECT page, rank() OVER w FROM event GROUP BY page WINDOW w AS (PARTITION BY page)
          |                                                     ^
    hint: use them in a CREATE VIEW on top of it

    VALUES (1)
    views.sql:2:1: error: VALUES is not supported in a materialized view
        2 | VALUES (1)
          | ^
    hint: a materialized view selects from a source

    SELECT FROM event
    views.sql:2:1: error: a materialized view needs at least one column
        2 | SELECT FROM event
          | ^

    SELECT FROM event GROUP BY page
    views.sql:2:1: error: a materialized view needs at least one column
        2 | SELECT FROM event GROUP BY page
          | ^

    SELECT page FROM event GROUP BY DISTINCT page
    views.sql:2:33: error: GROUP BY DISTINCT is not supported
        2 | SELECT page FROM event GROUP BY DISTINCT page
          |                                 ^

    SELECT page FROM event GROUP BY ROLLUP (page)
    views.sql:2:33: error: grouping sets, ROLLUP and CUBE are not supported
        2 | SELECT page FROM event GROUP BY ROLLUP (page)
          |                                 ^
    hint: write a view for each grouping

    SELECT page FROM event GROUP BY GROUPING SETS ((page), ())
    views.sql:2:33: error: grouping sets, ROLLUP and CUBE are not supported
        2 | SELECT page FROM event GROUP BY GROUPING SETS ((page), ())
          |                                 ^
    hint: write a view for each grouping

    SELECT page FROM event GROUP BY ()
    views.sql:2:33: error: grouping sets, ROLLUP and CUBE are not supported
        2 | SELECT page FROM event GROUP BY ()
          |                                 ^
    hint: write a view for each grouping

    SELECT count(*) AS "bad
    views.sql:2:20: error: unterminated quoted identifier at or near ""bad"
        2 | SELECT count(*) AS "bad
          |                    ^

    SELECT page AS p(x) FROM event
    views.sql:2:17: error: syntax error at or near "("
        2 | SELECT page AS p(x) FROM event
          |                 ^

    SELECT count(* FROM event
    views.sql:2:16: error: syntax error at or near "FROM"
        2 | SELECT count(* FROM event
          |                ^

    SELECT page[1] AS p FROM event GROUP BY page
    views.sql:2:8: error: cannot subscript type text because it does not support subscripting
        2 | SELECT page[1] AS p FROM event GROUP BY page
          |        ^

    SELECT (page).x AS p FROM event GROUP BY page
    views.sql:2:9: error: this indirection is not supported
        2 | SELECT (page).x AS p FROM event GROUP BY page
          |         ^
    hint: an element is x[1]

    SELECT page AS a_name_that_is_longer_than_postgresql_can_hold_in_its_catalogs_x FROM event GROUP BY page
    views.sql:2:16: error: a name of 64 bytes is too long
        2 | SELECT page AS a_name_that_is_longer_than_postgresql_can_hold_in_its_catalogs_x FROM event GROUP BY page
          |                ^
    hint: a name has at most 63 bytes

    SELECT page AS U&"\0061" FROM event GROUP BY page
    views.sql:2:16: error: names with Unicode escapes are not supported
        2 | SELECT page AS U&"\0061" FROM event GROUP BY page
          |                ^
    hint: write the characters themselves
    """#
