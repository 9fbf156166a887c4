/// GROUP BY and the names of the columns. A statement (or a part of one, see `RefusalTests`), and what is printed for it.
let refusedGroups = #"""
    SELECT page, count(*) FROM event GROUP BY 3
    views.sql:2:43: error: GROUP BY position 3 is not in select list
        2 | SELECT page, count(*) FROM event GROUP BY 3
          |                                           ^

    SELECT page, count(*) FROM event GROUP BY 0
    views.sql:2:43: error: GROUP BY position 0 is not in select list
        2 | SELECT page, count(*) FROM event GROUP BY 0
          |                                           ^

    SELECT page, count(*) FROM event GROUP BY -1
    views.sql:2:43: error: GROUP BY position -1 is not in select list
        2 | SELECT page, count(*) FROM event GROUP BY -1
          |                                           ^

    SELECT page, count(*) FROM event GROUP BY 'page'
    views.sql:2:43: error: non-integer constant in GROUP BY
        2 | SELECT page, count(*) FROM event GROUP BY 'page'
          |                                           ^

    SELECT page, count(*) FROM event GROUP BY page, 2
    views.sql:2:14: error: aggregate functions are not allowed in GROUP BY
        2 | SELECT page, count(*) FROM event GROUP BY page, 2
          |              ^

    SELECT page, count(*) AS n FROM event GROUP BY page, n
    views.sql:2:14: error: aggregate functions are not allowed in GROUP BY
        2 | SELECT page, count(*) AS n FROM event GROUP BY page, n
          |              ^

    SELECT page, count(*) FROM event GROUP BY page, count(*)
    views.sql:2:49: error: aggregate functions are not allowed in GROUP BY
        2 | SELECT page, count(*) FROM event GROUP BY page, count(*)
          |                                                 ^

    SELECT page AS p, country AS p FROM event GROUP BY p
    views.sql:2:19: error: column "p" specified more than once
        2 | SELECT page AS p, country AS p FROM event GROUP BY p
          |                   ^
    hint: write AS and another name behind one of them
    views.sql:2:52: error: GROUP BY "p" is ambiguous
        2 | SELECT page AS p, country AS p FROM event GROUP BY p
          |                                                    ^

    SELECT page, page FROM event GROUP BY page
    views.sql:2:14: error: column "page" specified more than once
        2 | SELECT page, page FROM event GROUP BY page
          |              ^
    hint: write AS and another name behind one of them

    SELECT count(*), count(page) FROM event
    views.sql:2:18: error: column "count" specified more than once
        2 | SELECT count(*), count(page) FROM event
          |                  ^
    hint: write AS and another name behind one of them

    SELECT page AS is_exact, country AS is_closed FROM event GROUP BY page, country
    views.sql:2:8: error: column name "is_exact" is reserved
        2 | SELECT page AS is_exact, country AS is_closed FROM event GROUP BY page, country
          |        ^
    hint: every serving view has a column of that name; write AS and another one
    views.sql:2:26: error: column name "is_closed" is reserved
        2 | SELECT page AS is_exact, country AS is_closed FROM event GROUP BY page, country
          |                          ^
    hint: every serving view has a column of that name; write AS and another one

    SELECT quantity + 1, count(*) FROM event GROUP BY 1
    views.sql:2:8: error: this column has no name
        2 | SELECT quantity + 1, count(*) FROM event GROUP BY 1
          |        ^
    hint: write AS and a name behind it

    SELECT 'web' AS kind, count(*) FROM event
    views.sql:2:8: error: a constant in the SELECT list is not supported
        2 | SELECT 'web' AS kind, count(*) FROM event
          |        ^
    hint: add it in a CREATE VIEW on top of this view
    """#
