/// Names and relations of a SELECT. A statement (or a part of one, see `RefusalTests`), and what is printed for it.
let refusedNames = #"""
    SELECT * FROM event
    views.sql:2:8: error: * is not supported in a materialized view
        2 | SELECT * FROM event
          |        ^
    hint: name the columns, and aggregate those that are not grouped by

    SELECT page, pge, count(*) FROM event GROUP BY page
    views.sql:2:14: error: column "pge" does not exist
        2 | SELECT page, pge, count(*) FROM event GROUP BY page
          |              ^
    hint: did you mean "page"?

    SELECT e.pge, count(*) FROM event e GROUP BY 1
    views.sql:2:8: error: column e.pge does not exist
        2 | SELECT e.pge, count(*) FROM event e GROUP BY 1
          |        ^
    hint: did you mean "page"?

    SELECT event.page FROM event e GROUP BY 1
    views.sql:2:8: error: invalid reference to FROM-clause entry for table "event"
        2 | SELECT event.page FROM event e GROUP BY 1
          |        ^
    hint: perhaps you meant to reference the table alias "e"

    SELECT x.page FROM event e GROUP BY 1
    views.sql:2:8: error: missing FROM-clause entry for table "x"
        2 | SELECT x.page FROM event e GROUP BY 1
          |        ^
    hint: the only relation here is "e"

    SELECT pagina FROM event GROUP BY 1
    views.sql:2:8: error: column "pagina" does not exist
        2 | SELECT pagina FROM event GROUP BY 1
          |        ^
    hint: the columns of "event" are: id, at, received, page, country, amount, total, quantity, duration, ratio, ok

    SELECT page, count(*) FROM event
    views.sql:2:8: error: column "event.page" must appear in the GROUP BY clause or be used in an aggregate function
        2 | SELECT page, count(*) FROM event
          |        ^

    SELECT e.page, amount * quantity AS x, count(*) FROM event e GROUP BY page
    views.sql:2:16: error: column "e.amount" must appear in the GROUP BY clause or be used in an aggregate function
        2 | SELECT e.page, amount * quantity AS x, count(*) FROM event e GROUP BY page
          |                ^

    SELECT count(*) FROM evnt
    views.sql:2:22: error: relation "evnt" does not exist
        2 | SELECT count(*) FROM evnt
          |                      ^
    hint: did you mean "event"?

    SELECT count(*) FROM nowhere_near
    views.sql:2:22: error: relation "nowhere_near" does not exist
        2 | SELECT count(*) FROM nowhere_near
          |                      ^
    hint: the sources are: event

    SELECT count(*)
    views.sql:2:1: error: a materialized view needs a source: FROM is missing
        2 | SELECT count(*)
          | ^

    SELECT count(*) FROM event, event e
    views.sql:2:29: error: several FROM items are not supported
        2 | SELECT count(*) FROM event, event e
          |                             ^
    hint: a materialized view reads one source; a table is joined: FROM source JOIN table USING (column)

    SELECT count(*) FROM (SELECT 1) x
    views.sql:2:22: error: sub-queries are not supported in a materialized view
        2 | SELECT count(*) FROM (SELECT 1) x
          |                      ^
    hint: a materialized view reads one source

    SELECT count(*) FROM generate_series(1, 2)
    views.sql:2:22: error: a function in FROM is not supported
        2 | SELECT count(*) FROM generate_series(1, 2)
          |                      ^
    hint: a materialized view reads one source

    SELECT count(*) FROM event TABLESAMPLE SYSTEM (1)
    views.sql:2:22: error: TABLESAMPLE is not supported: a view counts every event
        2 | SELECT count(*) FROM event TABLESAMPLE SYSTEM (1)
          |                      ^

    SELECT count(*) FROM ONLY event
    views.sql:2:27: error: ONLY is not supported
        2 | SELECT count(*) FROM ONLY event
          |                           ^

    SELECT count(*) FROM public.event
    views.sql:2:22: error: a schema name is not supported here
        2 | SELECT count(*) FROM public.event
          |                      ^

    SELECT count(*) FROM event AS e(a, b)
    views.sql:2:22: error: a column alias list is not supported here
        2 | SELECT count(*) FROM event AS e(a, b)
          |                      ^

    SELECT count(*) FROM LATERAL (SELECT 1) x
    views.sql:2:22: error: sub-queries are not supported in a materialized view
        2 | SELECT count(*) FROM LATERAL (SELECT 1) x
          |                      ^
    hint: a materialized view reads one source

    SELECT count(*) FROM event WHERE quantity IN (SELECT 1)
    views.sql:2:43: error: sub-queries are not supported in a materialized view
        2 | SELECT count(*) FROM event WHERE quantity IN (SELECT 1)
          |                                           ^
    hint: use them in a CREATE VIEW on top of it

    SELECT count(*) FROM event WHERE EXISTS (SELECT 1)
    views.sql:2:34: error: sub-queries are not supported in a materialized view
        2 | SELECT count(*) FROM event WHERE EXISTS (SELECT 1)
          |                                  ^
    hint: use them in a CREATE VIEW on top of it
    """#
