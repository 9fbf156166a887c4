/// Operators and conditions. A statement (or a part of one, see `RefusalTests`), and what is printed for it.
let refusedOperators = #"""
    page = 1
    views.sql:2:6: error: operator does not exist: text = integer
        2 | page = 1
          |      ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    1 = page
    views.sql:2:3: error: operator does not exist: integer = text
        2 | 1 = page
          |   ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    ok > 1
    views.sql:2:4: error: operator does not exist: boolean > integer
        2 | ok > 1
          |    ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    at = quantity
    views.sql:2:4: error: operator does not exist: timestamp with time zone = integer
        2 | at = quantity
          |    ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    id = page
    views.sql:2:4: error: operator does not exist: uuid = text
        2 | id = page
          |    ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    page + 1
    views.sql:2:6: error: operator does not exist: text + integer
        2 | page + 1
          |      ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    page + 'a'
    views.sql:2:6: error: operator does not exist: text + unknown
        2 | page + 'a'
          |      ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    'a' + 'b'
    views.sql:2:5: error: operator is not unique: unknown + unknown
        2 | 'a' + 'b'
          |     ^
    hint: could not choose a best candidate operator; you might need to add explicit type casts

    - page
    views.sql:2:1: error: operator does not exist: - text
        2 | - page
          | ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    - 'a'
    views.sql:2:1: error: operator is not unique: - unknown
        2 | - 'a'
          | ^
    hint: could not choose a best candidate operator; you might need to add explicit type casts

    + ok
    views.sql:2:1: error: operator does not exist: + boolean
        2 | + ok
          | ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    ! quantity
    views.sql:2:1: error: operator does not exist: ! integer
        2 | ! quantity
          | ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    quantity ^ 2
    views.sql:2:1: error: argument of WHERE must be type boolean, not type double precision
        2 | quantity ^ 2
          | ^

    page || 'x'
    views.sql:2:1: error: argument of WHERE must be type boolean, not type text
        2 | page || 'x'
          | ^

    page SIMILAR TO 'a'
    views.sql:2:6: error: SIMILAR TO is not supported yet
        2 | page SIMILAR TO 'a'
          |      ^

    page COLLATE "C" = 'a'
    views.sql:2:6: error: COLLATE is not supported
        2 | page COLLATE "C" = 'a'
          |      ^
    hint: text compares bytewise, as in COLLATE "C"

    quantity
    views.sql:2:1: error: argument of WHERE must be type boolean, not type integer
        2 | quantity
          | ^

    page
    views.sql:2:1: error: argument of WHERE must be type boolean, not type text
        2 | page
          | ^

    quantity AND ok
    views.sql:2:1: error: argument of AND must be type boolean, not type integer
        2 | quantity AND ok
          | ^

    ok OR page
    views.sql:2:7: error: argument of OR must be type boolean, not type text
        2 | ok OR page
          |       ^

    NOT quantity
    views.sql:2:5: error: argument of NOT must be type boolean, not type integer
        2 | NOT quantity
          |     ^

    quantity IS TRUE
    views.sql:2:1: error: argument of IS TRUE must be type boolean, not type integer
        2 | quantity IS TRUE
          | ^

    page IS NOT UNKNOWN
    views.sql:2:1: error: argument of IS NOT UNKNOWN must be type boolean, not type text
        2 | page IS NOT UNKNOWN
          | ^

    quantity IN (1, 'x')
    views.sql:2:17: error: invalid input syntax for type integer: "x"
        2 | quantity IN (1, 'x')
          |                 ^

    quantity IN (1, page)
    views.sql:2:10: error: operator does not exist: integer = text
        2 | quantity IN (1, page)
          |          ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    page IN (1, 2)
    views.sql:2:6: error: operator does not exist: text = integer
        2 | page IN (1, 2)
          |      ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    quantity IN (1, ok)
    views.sql:2:10: error: operator does not exist: integer = boolean
        2 | quantity IN (1, ok)
          |          ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    quantity BETWEEN 1 AND 'x'
    views.sql:2:24: error: invalid input syntax for type integer: "x"
        2 | quantity BETWEEN 1 AND 'x'
          |                        ^

    quantity BETWEEN 1 AND page
    views.sql:2:10: error: operator does not exist: integer <= text
        2 | quantity BETWEEN 1 AND page
          |          ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    COALESCE(quantity, page) = 1
    views.sql:2:20: error: COALESCE types integer and text cannot be matched
        2 | COALESCE(quantity, page) = 1
          |                    ^
    """#
