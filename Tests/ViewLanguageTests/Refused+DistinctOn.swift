/// SELECT DISTINCT ON. A statement (or a part of one, see `RefusalTests`), and what is printed for it.
let refusedDistinctOn = #"""
    SELECT DISTINCT ON (page) page, count(*) FROM event GROUP BY page ORDER BY page, at DESC
    views.sql:2:33: error: aggregates are not supported with DISTINCT ON
        2 | SELECT DISTINCT ON (page) page, count(*) FROM event GROUP BY page ORDER BY page, at DESC
          |                                 ^
    hint: it keeps one event of each key: aggregate in a view of its own
    views.sql:2:53: error: GROUP BY is not supported with DISTINCT ON
        2 | SELECT DISTINCT ON (page) page, count(*) FROM event GROUP BY page ORDER BY page, at DESC
          |                                                     ^
    hint: DISTINCT ON keeps one event of each key: aggregate in a view of its own

    SELECT DISTINCT ON (page) page FROM event HAVING true ORDER BY page, at DESC
    views.sql:2:43: error: HAVING is not supported with DISTINCT ON
        2 | SELECT DISTINCT ON (page) page FROM event HAVING true ORDER BY page, at DESC
          |                                           ^
    hint: filter the view's rows in a CREATE VIEW on top of it

    SELECT DISTINCT ON (page) page, amount FROM event
    views.sql:2:8: error: DISTINCT ON needs an ORDER BY that says which event is kept
        2 | SELECT DISTINCT ON (page) page, amount FROM event
          |        ^
    hint: write ORDER BY, the keys, and at DESC: the newest event of each is kept

    SELECT DISTINCT ON (page) page, amount FROM event ORDER BY page
    views.sql:2:51: error: DISTINCT ON must be ordered by the event time behind its keys
        2 | SELECT DISTINCT ON (page) page, amount FROM event ORDER BY page
          |                                                   ^
    hint: write ORDER BY, the keys, and at DESC: the newest event of each is kept

    SELECT DISTINCT ON (page) page, amount FROM event ORDER BY at DESC
    views.sql:2:60: error: SELECT DISTINCT ON expressions must match initial ORDER BY expressions
        2 | SELECT DISTINCT ON (page) page, amount FROM event ORDER BY at DESC
          |                                                            ^
    hint: write all keys of DISTINCT ON first, then the event time

    SELECT DISTINCT ON (page, country) amount FROM event ORDER BY page, at DESC, country
    views.sql:2:69: error: SELECT DISTINCT ON expressions must match initial ORDER BY expressions
        2 | SELECT DISTINCT ON (page, country) amount FROM event ORDER BY page, at DESC, country
          |                                                                     ^
    hint: write all keys of DISTINCT ON first, then the event time

    SELECT DISTINCT ON (page) amount FROM event ORDER BY page, received DESC
    views.sql:2:60: error: DISTINCT ON must be ordered by the event time behind its keys
        2 | SELECT DISTINCT ON (page) amount FROM event ORDER BY page, received DESC
          |                                                            ^
    hint: its event time is the column "at"

    SELECT DISTINCT ON (page) amount FROM event ORDER BY page, at DESC, amount
    views.sql:2:69: error: nothing may follow the event time in the ORDER BY of DISTINCT ON
        2 | SELECT DISTINCT ON (page) amount FROM event ORDER BY page, at DESC, amount
          |                                                                     ^
    hint: events of one time are told apart by their place in the log

    SELECT DISTINCT ON (page) amount FROM event ORDER BY page USING <, at DESC
    views.sql:2:54: error: ORDER BY … USING is not supported
        2 | SELECT DISTINCT ON (page) amount FROM event ORDER BY page USING <, at DESC
          |                                                      ^

    SELECT DISTINCT ON (page, at) amount FROM event ORDER BY page, at, amount
    views.sql:2:68: error: DISTINCT ON must be ordered by the event time behind its keys
        2 | SELECT DISTINCT ON (page, at) amount FROM event ORDER BY page, at, amount
          |                                                                    ^
    hint: it is one of the keys: nothing else may follow them

    SELECT DISTINCT ON (at, page) amount FROM event ORDER BY at
    views.sql:2:49: error: DISTINCT ON must be ordered by all of its keys
        2 | SELECT DISTINCT ON (at, page) amount FROM event ORDER BY at
          |                                                 ^
    hint: the event time is one of them: write the others, too

    SELECT DISTINCT ON (pge) amount FROM event ORDER BY page, at
    views.sql:2:21: error: column "pge" does not exist
        2 | SELECT DISTINCT ON (pge) amount FROM event ORDER BY page, at
          |                     ^
    hint: did you mean "page"?

    SELECT DISTINCT ON (3) amount, page FROM event ORDER BY page, at
    views.sql:2:21: error: DISTINCT ON position 3 is not in select list
        2 | SELECT DISTINCT ON (3) amount, page FROM event ORDER BY page, at
          |                     ^

    SELECT DISTINCT ON (x) page AS x, country AS x FROM event ORDER BY x, at
    views.sql:2:21: error: DISTINCT ON "x" is ambiguous
        2 | SELECT DISTINCT ON (x) page AS x, country AS x FROM event ORDER BY x, at
          |                     ^

    SELECT DISTINCT ON (page) page, tumble(at, '1 hour') AS h FROM event ORDER BY page, at DESC
    views.sql:2:33: error: tumble(…) may only be a whole item of GROUP BY or of the SELECT list
        2 | SELECT DISTINCT ON (page) page, tumble(at, '1 hour') AS h FROM event ORDER BY page, at DESC
          |                                 ^
    hint: compute with the window's start in a CREATE VIEW on top of this view

    SELECT DISTINCT ON (page) page, amount FROM event ORDER BY page, at DESC LIMIT 5
    views.sql:2:74: error: LIMIT is not supported in a materialized view
        2 | SELECT DISTINCT ON (page) page, amount FROM event ORDER BY page, at DESC LIMIT 5
          |                                                                          ^
    hint: use it in a CREATE VIEW on top of it
    """#
