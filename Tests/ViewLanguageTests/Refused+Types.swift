/// What there is not for jsonb, arrays, character, numeric and time. Statements, and what is printed for them.
let refusedTypes = #"""
    CREATE FOREIGN TABLE s (id text, at timestamptz, a text[][], b jsonb[], c numeric[], d timestamptz[], e char(3)[], f json, g bpchar, h time(3), i bytea[]) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
    views.sql:1:52: error: an array of 2 dimensions is not supported
        1 | CREATE FOREIGN TABLE s (id text, at timestamptz, a text[][], b jsonb[], c numeric[], d timestamptz[], e char(3)[], f json, g bpchar, h time(3), i bytea[]) SERV…
          |                                                    ^
    hint: one dimension is, such as text[]
    views.sql:1:64: error: an array of jsonb is not supported
        1 | CREATE FOREIGN TABLE s (id text, at timestamptz, a text[][], b jsonb[], c numeric[], d timestamptz[], e char(3)[], f json, g bpchar, h time(3), i bytea[]) SERV…
          |                                                                ^
    hint: arrays may be of text, varchar, smallint, integer, bigint, numeric(p,s), real, double precision, boolean, uuid
    views.sql:1:75: error: an array of numeric is not supported
        1 | CREATE FOREIGN TABLE s (id text, at timestamptz, a text[][], b jsonb[], c numeric[], d timestamptz[], e char(3)[], f json, g bpchar, h time(3), i bytea[]) SERV…
          |                                                                           ^
    hint: name precision and scale, such as numeric(18,2)[]
    views.sql:1:88: error: an array of timestamp with time zone is not supported
        1 | …OREIGN TABLE s (id text, at timestamptz, a text[][], b jsonb[], c numeric[], d timestamptz[], e char(3)[], f json, g bpchar, h time(3), i bytea[]) SERVER para…
          |                                                                                 ^
    hint: arrays may be of text, varchar, smallint, integer, bigint, numeric(p,s), real, double precision, boolean, uuid
    views.sql:1:105: error: an array of character is not supported
        1 | …d text, at timestamptz, a text[][], b jsonb[], c numeric[], d timestamptz[], e char(3)[], f json, g bpchar, h time(3), i bytea[]) SERVER parallax OPTIONS (eve…
          |                                                                                 ^
    hint: text[] is
    views.sql:1:118: error: type json is not supported yet
        1 | …mestamptz, a text[][], b jsonb[], c numeric[], d timestamptz[], e char(3)[], f json, g bpchar, h time(3), i bytea[]) SERVER parallax OPTIONS (event_id 'id', e…
          |                                                                                 ^
    hint: use jsonb
    views.sql:1:126: error: type bpchar without a length is not supported
        1 | …z, a text[][], b jsonb[], c numeric[], d timestamptz[], e char(3)[], f json, g bpchar, h time(3), i bytea[]) SERVER parallax OPTIONS (event_id 'id', event_tim…
          |                                                                                 ^
    hint: use text
    views.sql:1:136: error: a modifier of type time is not supported
        1 | …ext[][], b jsonb[], c numeric[], d timestamptz[], e char(3)[], f json, g bpchar, h time(3), i bytea[]) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
          |                                                                                     ^
    hint: leave out what stands in parentheses
    views.sql:1:147: error: type bytea is not supported yet
        1 | …ext[][], b jsonb[], c numeric[], d timestamptz[], e char(3)[], f json, g bpchar, h time(3), i bytea[]) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
          |                                                                                                ^
    hint: use text

    CREATE FOREIGN TABLE s (id text, at timestamptz, a varchar(2) DEFAULT 'abc', b smallint DEFAULT 40000, c time DEFAULT '25:00', d int[] DEFAULT '{a}', e numeric DEFAULT '1e60', f real DEFAULT '1e60') SERVER parallax OPTIONS (event_id 'id', event_time 'at')
    views.sql:1:71: error: value too long for type character varying(2)
        1 | CREATE FOREIGN TABLE s (id text, at timestamptz, a varchar(2) DEFAULT 'abc', b smallint DEFAULT 40000, c time DEFAULT '25:00', d int[] DEFAULT '{a}', e numeric…
          |                                                                       ^
    views.sql:1:97: error: value "40000" is out of range for type smallint
        1 | …BLE s (id text, at timestamptz, a varchar(2) DEFAULT 'abc', b smallint DEFAULT 40000, c time DEFAULT '25:00', d int[] DEFAULT '{a}', e numeric DEFAULT '1e60',…
          |                                                                                 ^
    views.sql:1:119: error: date/time field value out of range: "25:00"
        1 | …estamptz, a varchar(2) DEFAULT 'abc', b smallint DEFAULT 40000, c time DEFAULT '25:00', d int[] DEFAULT '{a}', e numeric DEFAULT '1e60', f real DEFAULT '1e60'…
          |                                                                                 ^
    views.sql:1:144: error: invalid input syntax for type integer: "a"
        1 | …FAULT 'abc', b smallint DEFAULT 40000, c time DEFAULT '25:00', d int[] DEFAULT '{a}', e numeric DEFAULT '1e60', f real DEFAULT '1e60') SERVER parallax OPTIONS…
          |                                                                                 ^
    views.sql:1:169: error: a numeric constant of more than 38 digits is not supported
        1 | …EFAULT 40000, c time DEFAULT '25:00', d int[] DEFAULT '{a}', e numeric DEFAULT '1e60', f real DEFAULT '1e60') SERVER parallax OPTIONS (event_id 'id', event_ti…
          |                                                                                 ^
    hint: write fewer digits, or a double precision constant
    views.sql:1:192: error: "1e60" is out of range for type real
        1 | …40000, c time DEFAULT '25:00', d int[] DEFAULT '{a}', e numeric DEFAULT '1e60', f real DEFAULT '1e60') SERVER parallax OPTIONS (event_id 'id', event_time 'at')
          |                                                                                                 ^

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT j, count(*) FROM s GROUP BY j
    views.sql:2:66: error: grouping by a value of type jsonb is not supported
        2 | CREATE MATERIALIZED VIEW v AS SELECT j, count(*) FROM s GROUP BY j
          |                                                                  ^
    hint: group by a field of it, such as x ->> 'name'

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE j = j
    views.sql:2:62: error: comparing values of type jsonb is not supported
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE j = j
          |                                                              ^
    hint: compare a field of it, such as (x ->> 'name') = 'a'

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(DISTINCT j) FROM s
    views.sql:2:38: error: count(DISTINCT …) of type jsonb is not supported
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(DISTINCT j) FROM s
          |                                      ^
    hint: count a field of it, such as count(DISTINCT x ->> 'name')

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT min(j) FROM s
    views.sql:2:38: error: function min(jsonb) does not exist
        2 | CREATE MATERIALIZED VIEW v AS SELECT min(j) FROM s
          |                                      ^
    hint: no function matches the given name and argument types; you might need to add explicit type casts

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE j @> '{}'
    views.sql:2:62: error: operator @> is not supported yet
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE j @> '{}'
          |                                                              ^
    hint: supported: = <> < <= > >= + - * / % ^ || ~ ~* -> ->> #> #>> ?

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE jsonb_path_exists(j, '$.a')
    views.sql:2:60: error: jsonb_path_exists is not supported: the view language has no JSON paths with conditions
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE jsonb_path_exists(j, '$.a')
          |                                                            ^
    hint: x #> '{a,b}' IS NOT NULL asks whether a field is there

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE j ->> true = 'a'
    views.sql:2:62: error: operator does not exist: jsonb ->> boolean
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE j ->> true = 'a'
          |                                                              ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE (j -> 'a')::date > '2024-01-01'
    views.sql:2:70: error: cannot cast type jsonb to date
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE (j -> 'a')::date > '2024-01-01'
          |                                                                      ^
    hint: take the text first, such as (x ->> 'name')::date

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE t -> 'a' = 'b'
    views.sql:2:62: error: operator does not exist: text[] -> unknown
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE t -> 'a' = 'b'
          |                                                              ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE j || j IS NULL
    views.sql:2:62: error: operator || of jsonb is not supported
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE j || j IS NULL
          |                                                              ^
    hint: it is of text

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE '{}'::jsonb -> 'a' IS NULL
    views.sql:2:60: error: a constant of type jsonb is not supported
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE '{}'::jsonb -> 'a' IS NULL
          |                                                            ^
    hint: compare a field of it, such as (x ->> 'name') = 'a'

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT unnest(t), count(*) FROM s GROUP BY 1
    views.sql:2:38: error: unnest is not supported: an event stands for one row
        2 | CREATE MATERIALIZED VIEW v AS SELECT unnest(t), count(*) FROM s GROUP BY 1
          |                                      ^
    hint: tags[1], x = ANY (tags) and cardinality(tags) are

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE t[1:2] = '{a}'
    views.sql:2:60: error: slices of arrays are not supported
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE t[1:2] = '{a}'
          |                                                            ^
    hint: an element is x[1]

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE t['a'] = 'b'
    views.sql:2:62: error: invalid input syntax for type integer: "a"
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE t['a'] = 'b'
          |                                                              ^

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE m[1][2] = 1
    views.sql:2:60: error: arrays of several dimensions are not supported
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE m[1][2] = 1
          |                                                            ^
    hint: an element is x[1]

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE t < '{a}'
    views.sql:2:62: error: ordering arrays is not supported
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE t < '{a}'
          |                                                              ^
    hint: = and <> are; compare elements, such as x[1] < y[1]

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE 'a' = ANY (v)
    views.sql:2:71: error: op ANY/ALL (array) requires array on right side, not text
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE 'a' = ANY (v)
          |                                                                       ^
    hint: such as 'a' = ANY (tags)

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE 'a' LIKE ANY (t)
    views.sql:2:74: error: LIKE ANY of anything but a list of patterns is not supported
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE 'a' LIKE ANY (t)
          |                                                                          ^
    hint: write them, such as x LIKE ANY (ARRAY['/a%', '/b%'])

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE t = '{a'
    views.sql:2:64: error: malformed array literal: "{a"
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE t = '{a'
          |                                                                ^
    hint: write it with braces and commas, such as '{a,b}'

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE t = '{{a}}'
    views.sql:2:64: error: malformed array literal: "{{a}}"
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE t = '{{a}}'
          |                                                                ^
    hint: write it with braces and commas, such as '{a,b}'

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE m = '{a}'
    views.sql:2:64: error: invalid input syntax for type integer: "a"
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE m = '{a}'
          |                                                                ^

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE ARRAY[]::text[] = t
    views.sql:2:60: error: cannot determine type of empty array
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE ARRAY[]::text[] = t
          |                                                            ^
    hint: write a constant with its type, such as '{}'::text[]

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT ARRAY[p, 1], count(*) FROM s GROUP BY 1
    views.sql:2:38: error: an array of numerics with different scales is not supported
        2 | CREATE MATERIALIZED VIEW v AS SELECT ARRAY[p, 1], count(*) FROM s GROUP BY 1
          |                                      ^
    hint: cast them, such as ARRAY[a, b::numeric(12,2)]

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT coalesce(c, id) AS x, count(*) FROM s GROUP BY x
    views.sql:2:50: error: COALESCE of type character needs values of one length
        2 | CREATE MATERIALIZED VIEW v AS SELECT coalesce(c, id) AS x, count(*) FROM s GROUP BY x
          |                                                  ^
    hint: cast them, such as x::text or 'a'::char(3)

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT ARRAY[at], count(*) FROM s GROUP BY 1
    views.sql:2:38: error: an array of timestamp with time zone is not supported
        2 | CREATE MATERIALIZED VIEW v AS SELECT ARRAY[at], count(*) FROM s GROUP BY 1
          |                                      ^
    hint: arrays may be of text, varchar, smallint, integer, bigint, numeric(p,s), real, double precision, boolean, uuid

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT max(t) FROM s
    views.sql:2:38: error: max of arrays is not supported
        2 | CREATE MATERIALIZED VIEW v AS SELECT max(t) FROM s
          |                                      ^
    hint: take an element, such as max(x[1])

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE t || 'a' = t
    views.sql:2:62: error: operator || of text[] is not supported
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE t || 'a' = t
          |                                                              ^
    hint: it is of text

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE v::text[] = t
    views.sql:2:61: error: cannot cast type text to text[]
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE v::text[] = t
          |                                                             ^

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT coalesce(c, d), count(*) FROM s GROUP BY 1
    views.sql:2:50: error: COALESCE of type character needs values of one length
        2 | CREATE MATERIALIZED VIEW v AS SELECT coalesce(c, d), count(*) FROM s GROUP BY 1
          |                                                  ^
    hint: cast them, such as x::text or 'a'::char(3)

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT coalesce(c, 'none'), count(*) FROM s GROUP BY 1
    views.sql:2:50: error: COALESCE of type character needs values of one length
        2 | CREATE MATERIALIZED VIEW v AS SELECT coalesce(c, 'none'), count(*) FROM s GROUP BY 1
          |                                                  ^
    hint: cast them, such as x::text or 'a'::char(3)

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE c = v
    views.sql:2:62: error: comparing character with character varying is not supported
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE c = v
          |                                                              ^
    hint: cast one of them to text

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE v::char(0) = 'a'
    views.sql:2:63: error: length for type char must be at least 1
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE v::char(0) = 'a'
          |                                                               ^

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE v::varchar(20000000) = 'a'
    views.sql:2:63: error: length for type varchar must be at most 10485760
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE v::varchar(20000000) = 'a'
          |                                                               ^

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT avg(DISTINCT k) FROM s
    views.sql:2:38: error: avg(DISTINCT …) of intervals is not supported: of equal ones such as '1 day' and '24:00' either may be the one that counts
        2 | CREATE MATERIALIZED VIEW v AS SELECT avg(DISTINCT k) FROM s
          |                                      ^
    hint: take avg(DISTINCT extract(epoch FROM x)), which counts seconds

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE k + k > '1:00'
    views.sql:2:62: error: operator does not exist: time without time zone + time without time zone
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE k + k > '1:00'
          |                                                              ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE k = '25:00'
    views.sql:2:64: error: date/time field value out of range: "25:00"
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE k = '25:00'
          |                                                                ^

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE k = 'noon'
    views.sql:2:64: error: invalid input syntax for type time: "noon"
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE k = 'noon'
          |                                                                ^

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE extract(year FROM k) = 1
    views.sql:2:68: error: unit "year" not supported for type time without time zone
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE extract(year FROM k) = 1
          |                                                                    ^
    hint: fields: microsecond, millisecond, second, minute, hour, epoch

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], n numeric, k time, m int[], p numeric(9,2)) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT first(t, at) FROM s
    views.sql:2:44: error: first of arrays is not supported
        2 | CREATE MATERIALIZED VIEW v AS SELECT first(t, at) FROM s
          |                                            ^
    hint: take an element, such as first(x[1], t)

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], k time, q numeric(6,2)[]) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT DISTINCT ON (j) j, v FROM s ORDER BY j, at DESC
    views.sql:2:51: error: grouping by a value of type jsonb is not supported
        2 | CREATE MATERIALIZED VIEW v AS SELECT DISTINCT ON (j) j, v FROM s ORDER BY j, at DESC
          |                                                   ^
    hint: group by a field of it, such as x ->> 'name'

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], k time, q numeric(6,2)[]) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE k = '23:59:60.5'
    views.sql:2:64: error: date/time field value out of range: "23:59:60.5"
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE k = '23:59:60.5'
          |                                                                ^

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], k time, q numeric(6,2)[]) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE at > '2024-05-01 23:59:60.5'
    views.sql:2:65: error: date/time field value out of range: "2024-05-01 23:59:60.5"
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE at > '2024-05-01 23:59:60.5'
          |                                                                 ^

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], k time, q numeric(6,2)[]) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE (t::varchar(2)[])[1] = 'a'
    views.sql:2:62: error: a cast from text[] to character varying(2)[] is not supported
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE (t::varchar(2)[])[1] = 'a'
          |                                                              ^
    hint: cast the elements, such as (x[1])::character varying(2)

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], k time, q numeric(6,2)[]) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE (q::numeric(6,1)[])[1] = 1
    views.sql:2:62: error: a cast from numeric(6,2)[] to numeric(6,1)[] is not supported
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE (q::numeric(6,1)[])[1] = 1
          |                                                              ^
    hint: cast the elements, such as (x[1])::numeric(6,1)

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], k time, q numeric(6,2)[]) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE (coalesce(q, '{0}'))[1] = 1
    views.sql:2:73: error: COALESCE of arrays of numerics with different scales is not supported
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE (coalesce(q, '{0}'))[1] = 1
          |                                                                         ^
    hint: write the digits behind the point of the others, such as '{0.00}' for 0 in a numeric(12,2)[]

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], k time, q numeric(6,2)[]) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE 1.5 = ANY ('{1e37,0.12}')
    views.sql:2:71: error: an array of numerics that need more than 38 digits together is not supported
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE 1.5 = ANY ('{1e37,0.12}')
          |                                                                       ^
    hint: write fewer digits

    CREATE FOREIGN TABLE s (id text, at timestamptz, c char(3), d char(4), v varchar(3), j jsonb, t text[], k time, q numeric(6,2)[]) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE TABLE l (v char(3) PRIMARY KEY, n int);
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s JOIN l USING (v)
    views.sql:3:68: error: comparing character with character varying is not supported
        3 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s JOIN l USING (v)
          |                                                                    ^
    hint: cast one of them to text
    """#
