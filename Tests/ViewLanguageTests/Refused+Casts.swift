/// Casts, and expressions that PostgreSQL has and this dialect lacks. A statement (or a part of one, see `RefusalTests`), and what is printed for it.
let refusedCasts = #"""
    ok::bigint = 1
    views.sql:2:3: error: cannot cast type boolean to bigint
        2 | ok::bigint = 1
          |   ^

    id::int = 1
    views.sql:2:3: error: cannot cast type uuid to integer
        2 | id::int = 1
          |   ^

    at::bigint = 1
    views.sql:2:3: error: cannot cast type timestamp with time zone to bigint
        2 | at::bigint = 1
          |   ^

    quantity::foo = 1
    views.sql:2:11: error: type "foo" does not exist
        2 | quantity::foo = 1
          |           ^
    hint: supported types: text, varchar(n), char(n), smallint, integer, bigint, numeric, real, double precision, boolean, timestamptz, timestamp, date, time, interval, uuid, jsonb, and arrays such as text[]

    quantity::bool::bigint = 1
    views.sql:2:15: error: cannot cast type boolean to bigint
        2 | quantity::bool::bigint = 1
          |               ^

    amount::numeric(50,2) = 1
    views.sql:2:9: error: NUMERIC precision 50 must be between 1 and 38
        2 | amount::numeric(50,2) = 1
          |         ^

    amount::numeric(5,7) = 1
    views.sql:2:9: error: NUMERIC scale 7 must be between 0 and the precision 5
        2 | amount::numeric(5,7) = 1
          |         ^

    amount::numeric(5,-1) = 1
    views.sql:2:9: error: NUMERIC scale -1 must be between 0 and the precision 5
        2 | amount::numeric(5,-1) = 1
          |         ^

    quantity::int(5) = 1
    views.sql:2:14: error: syntax error at or near "("
        2 | quantity::int(5) = 1
          |              ^

    quantity::int[] = NULL
    views.sql:2:9: error: cannot cast type integer to integer[]
        2 | quantity::int[] = NULL
          |         ^

    page::myschema.mytype = 'a'
    views.sql:2:7: error: type "myschema.mytype" does not exist
        2 | page::myschema.mytype = 'a'
          |       ^

    ROW(1, 2) = ROW(1, 2)
    views.sql:2:1: error: row values are not supported
        2 | ROW(1, 2) = ROW(1, 2)
          | ^

    $1 = 1
    views.sql:2:1: error: there is no parameter $1
        2 | $1 = 1
          | ^
    hint: write the value itself

    quantity OPERATOR(pg_catalog.=) 1
    views.sql:2:10: error: an operator with a schema is not supported
        2 | quantity OPERATOR(pg_catalog.=) 1
          |          ^
    hint: write the operator alone

    B'101' = B'101'
    views.sql:2:1: error: bit string constants are not supported
        2 | B'101' = B'101'
          | ^

    quantity IS DISTINCT FROM page
    views.sql:2:10: error: operator does not exist: integer = text
        2 | quantity IS DISTINCT FROM page
          |          ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    DEFAULT
    views.sql:2:1: error: DEFAULT is not allowed in this context
        2 | DEFAULT
          | ^

    CURRENT_USER = 'x'
    views.sql:2:1: error: current_user is not deterministic: a view must give the same result at any time
        2 | CURRENT_USER = 'x'
          | ^
    hint: use a column of the event, or filter in a CREATE VIEW on top of this view

    gen_random_uuid() = id
    views.sql:2:1: error: gen_random_uuid() is not deterministic: a view must give the same result at any time
        2 | gen_random_uuid() = id
          | ^
    hint: use a column of the event, or filter in a CREATE VIEW on top of this view

    page IS JSON
    views.sql:2:9: error: syntax error at or near "JSON"
        2 | page IS JSON
          |         ^

    quantity = 1 AND page = 2 AND ok = 3
    views.sql:2:23: error: operator does not exist: text = integer
        2 | quantity = 1 AND page = 2 AND ok = 3
          |                       ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts
    views.sql:2:34: error: operator does not exist: boolean = integer
        2 | quantity = 1 AND page = 2 AND ok = 3
          |                                  ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    quantity @@ 3
    views.sql:2:10: error: operator @@ is not supported yet
        2 | quantity @@ 3
          |          ^
    hint: supported: = <> < <= > >= + - * / % ^ || ~ ~* -> ->> #> #>> ?
    """#
