/// Functions, CASE, LIKE. A condition, and what is printed for it (see `RefusalTests`).
let refusedFunctions = #"""
    CASE WHEN quantity THEN true END
    views.sql:2:11: error: argument of CASE/WHEN must be type boolean, not type integer
        2 | CASE WHEN quantity THEN true END
          |           ^

    CASE WHEN ok THEN 1 ELSE page END = 1
    views.sql:2:19: error: CASE types text and integer cannot be matched
        2 | CASE WHEN ok THEN 1 ELSE page END = 1
          |                   ^

    CASE quantity WHEN page THEN true END
    views.sql:2:20: error: operator does not exist: integer = text
        2 | CASE quantity WHEN page THEN true END
          |                    ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    GREATEST(quantity, page) = 1
    views.sql:2:20: error: GREATEST types integer and text cannot be matched
        2 | GREATEST(quantity, page) = 1
          |                    ^

    NULLIF(quantity, page) = 1
    views.sql:2:1: error: operator does not exist: integer = text
        2 | NULLIF(quantity, page) = 1
          | ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    quantity LIKE 'a%'
    views.sql:2:10: error: operator does not exist: integer ~~ unknown
        2 | quantity LIKE 'a%'
          |          ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    page LIKE 1
    views.sql:2:6: error: operator does not exist: text ~~ integer
        2 | page LIKE 1
          |      ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    page NOT LIKE page ESCAPE 2
    views.sql:2:6: error: operator does not exist: text !~~ text
        2 | page NOT LIKE page ESCAPE 2
          |      ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    quantity || 1 = 'a'
    views.sql:2:10: error: operator does not exist: integer || integer
        2 | quantity || 1 = 'a'
          |          ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    lower(quantity) = 'a'
    views.sql:2:1: error: function lower(integer) does not exist
        2 | lower(quantity) = 'a'
          | ^
    hint: no function matches the given name and argument types; you might need to add explicit type casts

    lower(page, page) = 'a'
    views.sql:2:1: error: function lower(text, text) does not exist
        2 | lower(page, page) = 'a'
          | ^
    hint: no function matches the given name and argument types; you might need to add explicit type casts

    substring(page FROM 'a+') = 'a'
    views.sql:2:1: error: substring with a regular expression is not supported
        2 | substring(page FROM 'a+') = 'a'
          | ^
    hint: use split_part, strpos or LIKE

    substring(page SIMILAR 'a' ESCAPE '#') = 'a'
    views.sql:2:1: error: substring with a regular expression is not supported
        2 | substring(page SIMILAR 'a' ESCAPE '#') = 'a'
          | ^
    hint: use split_part, strpos or LIKE

    left(page, 1.5) = 'a'
    views.sql:2:1: error: function left(text, numeric) does not exist
        2 | left(page, 1.5) = 'a'
          | ^
    hint: no function matches the given name and argument types; you might need to add explicit type casts

    round(ratio, 2) = 1
    views.sql:2:1: error: function round(double precision, integer) does not exist
        2 | round(ratio, 2) = 1
          | ^
    hint: no function matches the given name and argument types; you might need to add explicit type casts

    mod(ratio, 2) = 1
    views.sql:2:1: error: function mod(double precision, integer) does not exist
        2 | mod(ratio, 2) = 1
          | ^
    hint: no function matches the given name and argument types; you might need to add explicit type casts

    ok ^ 2 = 1
    views.sql:2:4: error: operator does not exist: boolean ^ integer
        2 | ok ^ 2 = 1
          |    ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    concat() = 'a'
    views.sql:2:1: error: function concat() does not exist
        2 | concat() = 'a'
          | ^
    hint: no function matches the given name and argument types; you might need to add explicit type casts

    concat_ws(1, page) = 'a'
    views.sql:2:1: error: function concat_ws(integer, text) does not exist
        2 | concat_ws(1, page) = 'a'
          | ^
    hint: no function matches the given name and argument types; you might need to add explicit type casts

    lowr(page) = 'a'
    views.sql:2:1: error: function lowr(text) does not exist
        2 | lowr(page) = 'a'
          | ^
    hint: did you mean "lower"?

    lower(DISTINCT page) = 'a'
    views.sql:2:1: error: DISTINCT is not supported here
        2 | lower(DISTINCT page) = 'a'
          | ^

    lower(VARIADIC page) = 'a'
    views.sql:2:1: error: VARIADIC is not supported here
        2 | lower(VARIADIC page) = 'a'
          | ^

    overlay(page PLACING 'a' FROM 1) = 'a'
    views.sql:2:1: error: function overlay is not supported yet
        2 | overlay(page PLACING 'a' FROM 1) = 'a'
          | ^
    hint: docs/reference/sql.md lists the functions that a view may use

    regexp_replace(page, 'a', 'b') = 'b'
    views.sql:2:1: error: function regexp_replace is not supported yet
        2 | regexp_replace(page, 'a', 'b') = 'b'
          | ^
    hint: docs/reference/sql.md lists the functions that a view may use

    gcd(quantity, 2) > 1
    views.sql:2:1: error: function gcd is not supported yet
        2 | gcd(quantity, 2) > 1
          | ^
    hint: docs/reference/sql.md lists the functions that a view may use

    page = ANY (string_to_array('a,b', ','))
    views.sql:2:13: error: function string_to_array is not supported yet
        2 | page = ANY (string_to_array('a,b', ','))
          |             ^
    hint: docs/reference/sql.md lists the functions that a view may use

    extract(foo FROM at) = 1
    views.sql:2:9: error: unit "foo" not recognized for type timestamp with time zone
        2 | extract(foo FROM at) = 1
          |         ^
    hint: fields: microsecond, millisecond, second, minute, hour, day, week, month, quarter, year, decade, century, millennium, isoyear, dow, isodow, doy, epoch, timezone, timezone_hour, timezone_minute

    extract(week FROM at - at) = 1
    views.sql:2:9: error: unit "week" not supported for type interval
        2 | extract(week FROM at - at) = 1
          |         ^
    hint: fields: microsecond, millisecond, second, minute, hour, day, month, quarter, year, decade, century, millennium, epoch

    extract(hour FROM at::date) = 1
    views.sql:2:9: error: unit "hour" not supported for type date
        2 | extract(hour FROM at::date) = 1
          |         ^
    hint: fields: day, week, month, quarter, year, decade, century, millennium, isoyear, dow, isodow, doy, epoch

    extract(epoch FROM page) = 1
    views.sql:2:1: error: function extract(unknown, text) does not exist
        2 | extract(epoch FROM page) = 1
          | ^
    hint: no function matches the given name and argument types; you might need to add explicit type casts

    date_trunc('fortnight', at) = at
    views.sql:2:12: error: unit "fortnight" not recognized for type timestamp with time zone
        2 | date_trunc('fortnight', at) = at
          |            ^
    hint: units: microsecond, millisecond, second, minute, hour, day, week, month, quarter, year, decade, century, millennium

    date_trunc(page, at) = at
    views.sql:2:12: error: this argument of date_trunc must be a constant
        2 | date_trunc(page, at) = at
          |            ^
    hint: write it in quotes

    date_trunc('week', at - at) > interval '1 hour'
    views.sql:2:12: error: unit "week" not supported for type interval
        2 | date_trunc('week', at - at) > interval '1 hour'
          |            ^
    hint: months usually have fractional weeks; take days

    date_trunc('fortnight', at - at) > interval '1 hour'
    views.sql:2:12: error: unit "fortnight" not recognized for type interval
        2 | date_trunc('fortnight', at - at) > interval '1 hour'
          |            ^
    hint: units: microsecond, millisecond, second, minute, hour, day, month, quarter, year, decade, century, millennium

    date_trunc('hour', at - at, 'UTC') > interval '1 hour'
    views.sql:2:1: error: function date_trunc(unknown, interval, unknown) does not exist
        2 | date_trunc('hour', at - at, 'UTC') > interval '1 hour'
          | ^
    hint: no function matches the given name and argument types; you might need to add explicit type casts

    at AT TIME ZONE 'EST' > at
    views.sql:2:17: error: time zone "EST" not recognized
        2 | at AT TIME ZONE 'EST' > at
          |                 ^
    hint: write the name of a region and a place as the tz database has it, such as 'America/New_York', or 'UTC'

    at AT TIME ZONE 'Europe/Nowhere' > at
    views.sql:2:17: error: time zone "Europe/Nowhere" not recognized
        2 | at AT TIME ZONE 'Europe/Nowhere' > at
          |                 ^
    hint: write the name of a region and a place as the tz database has it, such as 'America/New_York', or 'UTC'

    at AT TIME ZONE page > at
    views.sql:2:17: error: this argument of AT TIME ZONE must be a constant
        2 | at AT TIME ZONE page > at
          |                 ^
    hint: write it in quotes

    at + at > at
    views.sql:2:4: error: operator does not exist: timestamp with time zone + timestamp with time zone
        2 | at + at > at
          |    ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    at * 2 > at
    views.sql:2:4: error: operator does not exist: timestamp with time zone * integer
        2 | at * 2 > at
          |    ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    at + 1 > at
    views.sql:2:4: error: operator does not exist: timestamp with time zone + integer
        2 | at + 1 > at
          |    ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    at - '1 hour' > at
    views.sql:2:6: error: invalid input syntax for type timestamp with time zone: "1 hour"
        2 | at - '1 hour' > at
          |      ^

    at + interval '178956971 years' > at
    views.sql:2:15: error: interval out of range
        2 | at + interval '178956971 years' > at
          |               ^

    at::date + 1.5 > at
    views.sql:2:10: error: operator does not exist: date + numeric
        2 | at::date + 1.5 > at
          |          ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    page::interval(3) > interval '1 hour'
    views.sql:2:7: error: a modifier of type interval is not supported
        2 | page::interval(3) > interval '1 hour'
          |       ^
    hint: leave out what stands in parentheses

    quantity::interval > interval '1 hour'
    views.sql:2:9: error: cannot cast type integer to interval
        2 | quantity::interval > interval '1 hour'
          |         ^

    to_timestamp(page, 'YYYY') > at
    views.sql:2:1: error: function to_timestamp(text, unknown) does not exist
        2 | to_timestamp(page, 'YYYY') > at
          | ^
    hint: no function matches the given name and argument types; you might need to add explicit type casts

    at::time > at
    views.sql:2:10: error: operator does not exist: time without time zone > timestamp with time zone
        2 | at::time > at
          |          ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts
    """#
