/// Constants, and numbers that are too wide. A statement (or a part of one, see `RefusalTests`), and what is printed for it.
let refusedConstants = #"""
    quantity = 'abc'
    views.sql:2:12: error: invalid input syntax for type integer: "abc"
        2 | quantity = 'abc'
          |            ^

    quantity = '99999999999'
    views.sql:2:12: error: value "99999999999" is out of range for type integer
        2 | quantity = '99999999999'
          |            ^

    duration = '99999999999999999999'
    views.sql:2:12: error: value "99999999999999999999" is out of range for type bigint
        2 | duration = '99999999999999999999'
          |            ^

    quantity = 1.5.5
    views.sql:2:15: error: syntax error at or near ".5"
        2 | quantity = 1.5.5
          |               ^

    ok = 'maybe'
    views.sql:2:6: error: invalid input syntax for type boolean: "maybe"
        2 | ok = 'maybe'
          |      ^

    id = 'not-a-uuid'
    views.sql:2:6: error: invalid input syntax for type uuid: "not-a-uuid"
        2 | id = 'not-a-uuid'
          |      ^

    at > 'yesterday'
    views.sql:2:6: error: "yesterday" depends on when it is read: a view must give the same result at any time
        2 | at > 'yesterday'
          |      ^
    hint: write the time itself

    at > 'soon'
    views.sql:2:6: error: invalid input syntax for type timestamp with time zone: "soon"
        2 | at > 'soon'
          |      ^

    at > '2024-13-01'
    views.sql:2:6: error: date/time field value out of range: "2024-13-01"
        2 | at > '2024-13-01'
          |      ^

    at > '2024-02-30'
    views.sql:2:6: error: date/time field value out of range: "2024-02-30"
        2 | at > '2024-02-30'
          |      ^

    at > '2024-01-01 25:00'
    views.sql:2:6: error: date/time field value out of range: "2024-01-01 25:00"
        2 | at > '2024-01-01 25:00'
          |      ^

    at > '2024-01-01 00:00 America/New_York'
    views.sql:2:6: error: a named time zone in "2024-01-01 00:00 America/New_York" is not supported
        2 | at > '2024-01-01 00:00 America/New_York'
          |      ^
    hint: write the offset from UTC, such as +01:00

    at > '2024-01-01 00:00+99'
    views.sql:2:6: error: time zone displacement out of range: "2024-01-01 00:00+99"
        2 | at > '2024-01-01 00:00+99'
          |      ^

    at > 'infinity'
    views.sql:2:6: error: an infinite timestamp with time zone is not supported
        2 | at > 'infinity'
          |      ^
    hint: times are finite

    at > interval '1 hour'
    views.sql:2:4: error: operator does not exist: timestamp with time zone > interval
        2 | at > interval '1 hour'
          |    ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    ratio = 'NaN'
    views.sql:2:9: error: double precision "NaN" is not supported
        2 | ratio = 'NaN'
          |         ^
    hint: numbers are finite

    ratio = '1e999'
    views.sql:2:9: error: "1e999" is out of range for type double precision
        2 | ratio = '1e999'
          |         ^

    ratio = 'x'
    views.sql:2:9: error: invalid input syntax for type double precision: "x"
        2 | ratio = 'x'
          |         ^

    amount = 'x'
    views.sql:2:10: error: invalid input syntax for type numeric: "x"
        2 | amount = 'x'
          |          ^

    amount = 'NaN'
    views.sql:2:10: error: numeric "NaN" is not supported
        2 | amount = 'NaN'
          |          ^
    hint: numbers are finite

    amount = 12345678901234567890123456789012345678901
    views.sql:2:10: error: a numeric constant of more than 38 digits is not supported
        2 | amount = 12345678901234567890123456789012345678901
          |          ^
    hint: write fewer digits, or a double precision constant

    ratio % 2 = 1
    views.sql:2:7: error: operator does not exist: double precision % integer
        2 | ratio % 2 = 1
          |       ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts
    """#
