/// Sources. A statement (or a part of one, see `RefusalTests`), and what is printed for it.
let refusedSources = #"""
    CREATE FOREIGN TABLE s (id varchar(20), at timestamp, n smallint, j jsonb, t txt, m numeric, k numeric(50), i interval, a text[]) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
    views.sql:1:28: error: type character varying is not supported yet
        1 | CREATE FOREIGN TABLE s (id varchar(20), at timestamp, n smallint, j jsonb, t txt, m numeric, k numeric(50), i interval, a text[]) SERVER parallax OPTIONS (even…
          |                            ^
    hint: use text
    views.sql:1:57: error: type smallint is not supported yet
        1 | CREATE FOREIGN TABLE s (id varchar(20), at timestamp, n smallint, j jsonb, t txt, m numeric, k numeric(50), i interval, a text[]) SERVER parallax OPTIONS (even…
          |                                                         ^
    hint: use integer
    views.sql:1:69: error: type jsonb is not supported yet
        1 | CREATE FOREIGN TABLE s (id varchar(20), at timestamp, n smallint, j jsonb, t txt, m numeric, k numeric(50), i interval, a text[]) SERVER parallax OPTIONS (even…
          |                                                                     ^
    hint: declare the fields that the views need as columns
    views.sql:1:78: error: type "txt" does not exist
        1 | CREATE FOREIGN TABLE s (id varchar(20), at timestamp, n smallint, j jsonb, t txt, m numeric, k numeric(50), i interval, a text[]) SERVER parallax OPTIONS (even…
          |                                                                              ^
    hint: did you mean "text"?
    views.sql:1:85: error: numeric without precision and scale is not supported
        1 | …E FOREIGN TABLE s (id varchar(20), at timestamp, n smallint, j jsonb, t txt, m numeric, k numeric(50), i interval, a text[]) SERVER parallax OPTIONS (event_id…
          |                                                                                 ^
    hint: write numeric(p,s), such as numeric(18,2)
    views.sql:1:96: error: NUMERIC precision 50 must be between 1 and 38
        1 | …ABLE s (id varchar(20), at timestamp, n smallint, j jsonb, t txt, m numeric, k numeric(50), i interval, a text[]) SERVER parallax OPTIONS (event_id 'id', even…
          |                                                                                 ^
    views.sql:1:111: error: type interval is not supported yet
        1 | …varchar(20), at timestamp, n smallint, j jsonb, t txt, m numeric, k numeric(50), i interval, a text[]) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
          |                                                                                     ^
    hint: supported types: text, integer, bigint, numeric(p,s), double precision, boolean, timestamptz, timestamp, date, uuid
    views.sql:1:123: error: an array type is not supported here
        1 | …varchar(20), at timestamp, n smallint, j jsonb, t txt, m numeric, k numeric(50), i interval, a text[]) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
          |                                                                                                 ^
    views.sql:1:171: error: option "event_time": column "at" is of type timestamp without time zone
        1 | …varchar(20), at timestamp, n smallint, j jsonb, t txt, m numeric, k numeric(50), i interval, a text[]) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
          |                                                                                                                                                 ^
    hint: it must be of type timestamp with time zone

    CREATE FOREIGN TABLE s (id uuid, at timestamptz) SERVER kafka OPTIONS (event_id 'id', event_time 'at')
    views.sql:1:50: error: server "kafka" does not exist
        1 | CREATE FOREIGN TABLE s (id uuid, at timestamptz) SERVER kafka OPTIONS (event_id 'id', event_time 'at')
          |                                                  ^
    hint: write SERVER parallax

    CREATE FOREIGN TABLE s (id uuid, at timestamptz) SERVER parallax
    views.sql:1:22: error: option "event_id" is missing
        1 | CREATE FOREIGN TABLE s (id uuid, at timestamptz) SERVER parallax
          |                      ^
    hint: OPTIONS (event_id '…') names the column that identifies an event
    views.sql:1:22: error: option "event_time" is missing
        1 | CREATE FOREIGN TABLE s (id uuid, at timestamptz) SERVER parallax
          |                      ^
    hint: OPTIONS (event_time '…') names the timestamptz column of an event's time

    CREATE FOREIGN TABLE s () SERVER parallax OPTIONS (event_id 'id', event_time 'at')
    views.sql:1:52: error: option "event_id": column "id" does not exist
        1 | CREATE FOREIGN TABLE s () SERVER parallax OPTIONS (event_id 'id', event_time 'at')
          |                                                    ^
    views.sql:1:67: error: option "event_time": column "at" does not exist
        1 | CREATE FOREIGN TABLE s () SERVER parallax OPTIONS (event_id 'id', event_time 'at')
          |                                                                   ^

    CREATE FOREIGN TABLE s (id uuid, at timestamptz) SERVER parallax OPTIONS (event_id 'idd', event_time 'id', tpic 'x', topic 'a/b', topic 'b', lateness 'long', out_of_orderness '1 month')
    views.sql:1:75: error: option "event_id": column "idd" does not exist
        1 | CREATE FOREIGN TABLE s (id uuid, at timestamptz) SERVER parallax OPTIONS (event_id 'idd', event_time 'id', tpic 'x', topic 'a/b', topic 'b', lateness 'long', o…
          |                                                                           ^
    hint: did you mean "id"?
    views.sql:1:91: error: option "event_time": column "id" is of type uuid
        1 | …IGN TABLE s (id uuid, at timestamptz) SERVER parallax OPTIONS (event_id 'idd', event_time 'id', tpic 'x', topic 'a/b', topic 'b', lateness 'long', out_of_orde…
          |                                                                                 ^
    hint: it must be of type timestamp with time zone
    views.sql:1:108: error: unknown option "tpic"
        1 | … uuid, at timestamptz) SERVER parallax OPTIONS (event_id 'idd', event_time 'id', tpic 'x', topic 'a/b', topic 'b', lateness 'long', out_of_orderness '1 month')
          |                                                                                   ^
    hint: did you mean "topic"?
    views.sql:1:118: error: "a/b" cannot be a topic's name
        1 | … uuid, at timestamptz) SERVER parallax OPTIONS (event_id 'idd', event_time 'id', tpic 'x', topic 'a/b', topic 'b', lateness 'long', out_of_orderness '1 month')
          |                                                                                             ^
    hint: a topic has up to 249 letters from a to z, digits, '.', '_' and '-'
    views.sql:1:131: error: option "topic" provided more than once
        1 | … uuid, at timestamptz) SERVER parallax OPTIONS (event_id 'idd', event_time 'id', tpic 'x', topic 'a/b', topic 'b', lateness 'long', out_of_orderness '1 month')
          |                                                                                                          ^
    views.sql:1:142: error: option "lateness": invalid input syntax for type interval: "long"
        1 | … uuid, at timestamptz) SERVER parallax OPTIONS (event_id 'idd', event_time 'id', tpic 'x', topic 'a/b', topic 'b', lateness 'long', out_of_orderness '1 month')
          |                                                                                                                     ^
    hint: write a number and a unit, such as '5 seconds'
    views.sql:1:159: error: option "out_of_orderness": months and years have no fixed length
        1 | … uuid, at timestamptz) SERVER parallax OPTIONS (event_id 'idd', event_time 'id', tpic 'x', topic 'a/b', topic 'b', lateness 'long', out_of_orderness '1 month')
          |                                                                                                                                      ^
    hint: write weeks, days, hours, minutes or seconds

    CREATE FOREIGN TABLE s (id boolean, at timestamptz, at text, _offset bigint, ctid int) SERVER parallax OPTIONS (event_id 'id', event_time 'at', lateness '-1 s')
    views.sql:1:53: error: column "at" specified more than once
        1 | CREATE FOREIGN TABLE s (id boolean, at timestamptz, at text, _offset bigint, ctid int) SERVER parallax OPTIONS (event_id 'id', event_time 'at', lateness '-1 s')
          |                                                     ^
    views.sql:1:62: error: column name "_offset" is reserved
        1 | CREATE FOREIGN TABLE s (id boolean, at timestamptz, at text, _offset bigint, ctid int) SERVER parallax OPTIONS (event_id 'id', event_time 'at', lateness '-1 s')
          |                                                              ^
    hint: names that begin with '_' are the archive's own columns
    views.sql:1:78: error: column name "ctid" conflicts with a system column name
        1 | CREATE FOREIGN TABLE s (id boolean, at timestamptz, at text, _offset bigint, ctid int) SERVER parallax OPTIONS (event_id 'id', event_time 'at', lateness '-1 s')
          |                                                                              ^
    views.sql:1:113: error: option "event_id": column "id" is of type boolean
        1 | CREATE FOREIGN TABLE s (id boolean, at timestamptz, at text, _offset bigint, ctid int) SERVER parallax OPTIONS (event_id 'id', event_time 'at', lateness '-1 s')
          |                                                                                                                 ^
    hint: it must be of type text, uuid, integer, bigint
    views.sql:1:145: error: option "lateness" must not be negative
        1 | CREATE FOREIGN TABLE s (id boolean, at timestamptz, at text, _offset bigint, ctid int) SERVER parallax OPTIONS (event_id 'id', event_time 'at', lateness '-1 s')
          |                                                                                                                                                 ^

    CREATE FOREIGN TABLE s (id uuid PRIMARY KEY, at timestamptz DEFAULT '2024-01-01', n int CHECK (n > 0), t text COLLATE "de_DE", CHECK (n > 1)) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
    views.sql:1:33: error: the constraint PRIMARY is not supported in a source
        1 | CREATE FOREIGN TABLE s (id uuid PRIMARY KEY, at timestamptz DEFAULT '2024-01-01', n int CHECK (n > 0), t text COLLATE "de_DE", CHECK (n > 1)) SERVER parallax O…
          |                                 ^
    hint: only NOT NULL may follow a column's type
    views.sql:1:61: error: column defaults are not supported yet
        1 | CREATE FOREIGN TABLE s (id uuid PRIMARY KEY, at timestamptz DEFAULT '2024-01-01', n int CHECK (n > 0), t text COLLATE "de_DE", CHECK (n > 1)) SERVER parallax O…
          |                                                             ^
    hint: a missing field is null; use coalesce in the view
    views.sql:1:89: error: the constraint CHECK is not supported in a source
        1 | …REIGN TABLE s (id uuid PRIMARY KEY, at timestamptz DEFAULT '2024-01-01', n int CHECK (n > 0), t text COLLATE "de_DE", CHECK (n > 1)) SERVER parallax OPTIONS (…
          |                                                                                 ^
    hint: only NOT NULL may follow a column's type
    views.sql:1:111: error: COLLATE is not supported here
        1 | … PRIMARY KEY, at timestamptz DEFAULT '2024-01-01', n int CHECK (n > 0), t text COLLATE "de_DE", CHECK (n > 1)) SERVER parallax OPTIONS (event_id 'id', event_t…
          |                                                                                 ^
    views.sql:1:128: error: table constraints and LIKE are not supported in a source
        1 | … KEY, at timestamptz DEFAULT '2024-01-01', n int CHECK (n > 0), t text COLLATE "de_DE", CHECK (n > 1)) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
          |                                                                                          ^
    hint: declare columns only; NOT NULL may follow a column's type

    CREATE FOREIGN TABLE s (id uuid OPTIONS (path 'a.b'), at timestamptz) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
    views.sql:1:42: error: OPTIONS of a column is not supported here
        1 | CREATE FOREIGN TABLE s (id uuid OPTIONS (path 'a.b'), at timestamptz) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
          |                                          ^

    CREATE FOREIGN TABLE IF NOT EXISTS s (id uuid, at timestamptz) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
    views.sql:1:22: error: IF NOT EXISTS is not supported here
        1 | CREATE FOREIGN TABLE IF NOT EXISTS s (id uuid, at timestamptz) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
          |                      ^

    CREATE FOREIGN TABLE s (id uuid, at timestamptz) INHERITS (x) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
    views.sql:1:50: error: INHERITS is not supported here
        1 | CREATE FOREIGN TABLE s (id uuid, at timestamptz) INHERITS (x) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
          |                                                  ^

    CREATE FOREIGN TABLE my.s (id uuid, at timestamptz) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
    views.sql:1:22: error: a schema cannot be chosen here
        1 | CREATE FOREIGN TABLE my.s (id uuid, at timestamptz) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
          |                      ^
    hint: write "s" alone; results appear in the schema "serving"

    CREATE FOREIGN TABLE "a/b" (id uuid, at timestamptz) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
    views.sql:1:22: error: "a/b" cannot be a source's name
        1 | CREATE FOREIGN TABLE "a/b" (id uuid, at timestamptz) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
          |                      ^
    hint: a source has folders of its name: use letters from a to z, digits, '.', '_' and '-'

    CREATE FOREIGN TABLE s (id uuid, at timestamptz) SERVER parallax OPTIONS (topic 'event', event_id 'id', event_time 'at')
    views.sql:1:22: error: topic "event" belongs to the source "event" already
        1 | CREATE FOREIGN TABLE s (id uuid, at timestamptz) SERVER parallax OPTIONS (topic 'event', event_id 'id', event_time 'at')
          |                      ^
    hint: two views may read one source; or give this one a topic of its own

    CREATE FOREIGN TABLE event (id uuid, at timestamptz) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
    views.sql:1:22: error: relation "event" is defined more than once
        1 | CREATE FOREIGN TABLE event (id uuid, at timestamptz) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
          |                      ^
    hint: the first definition is at source.sql:1:22
    """#
