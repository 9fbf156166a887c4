/// Sources. A statement (or a part of one, see `RefusalTests`), and what is printed for it.
let refusedSources = #"""
    CREATE FOREIGN TABLE s (id varchar(20), at timestamp, n smallint, j jsonb, t txt, m numeric, k numeric(50), i interval[], a text[]) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
    views.sql:1:78: error: type "txt" does not exist
        1 | CREATE FOREIGN TABLE s (id varchar(20), at timestamp, n smallint, j jsonb, t txt, m numeric, k numeric(50), i interval[], a text[]) SERVER parallax OPTIONS (ev…
          |                                                                              ^
    hint: did you mean "text"?
    views.sql:1:96: error: NUMERIC precision 50 must be between 1 and 38
        1 | …ABLE s (id varchar(20), at timestamp, n smallint, j jsonb, t txt, m numeric, k numeric(50), i interval[], a text[]) SERVER parallax OPTIONS (event_id 'id', ev…
          |                                                                                 ^
    views.sql:1:111: error: an array of interval is not supported
        1 | …rchar(20), at timestamp, n smallint, j jsonb, t txt, m numeric, k numeric(50), i interval[], a text[]) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
          |                                                                                   ^
    hint: arrays may be of text, varchar, smallint, integer, bigint, numeric(p,s), real, double precision, boolean, uuid
    views.sql:1:173: error: option "event_time": column "at" is of type timestamp without time zone
        1 | …rchar(20), at timestamp, n smallint, j jsonb, t txt, m numeric, k numeric(50), i interval[], a text[]) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
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

    CREATE FOREIGN TABLE s (id uuid, at timestamptz) SERVER parallax OPTIONS (event_id 'id', event_time 'at', append_time 'never')
    views.sql:1:107: error: option "append_time" cannot be "never"
        1 | CREATE FOREIGN TABLE s (id uuid, at timestamptz) SERVER parallax OPTIONS (event_id 'id', event_time 'at', append_time 'never')
          |                                                                                                           ^
    hint: it is 'record' (the record's own timestamp) or 'arrival' (when it came here)

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
    hint: it must be of type text, uuid, smallint, integer, bigint
    views.sql:1:145: error: option "lateness" must not be negative
        1 | CREATE FOREIGN TABLE s (id boolean, at timestamptz, at text, _offset bigint, ctid int) SERVER parallax OPTIONS (event_id 'id', event_time 'at', lateness '-1 s')
          |                                                                                                                                                 ^

    CREATE FOREIGN TABLE s (id uuid PRIMARY KEY, at timestamptz DEFAULT '2024-01-01', n int CHECK (n > 0), t text COLLATE "de_DE", CHECK (n > 1)) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
    views.sql:1:33: error: the constraint PRIMARY is not supported in a source
        1 | CREATE FOREIGN TABLE s (id uuid PRIMARY KEY, at timestamptz DEFAULT '2024-01-01', n int CHECK (n > 0), t text COLLATE "de_DE", CHECK (n > 1)) SERVER parallax O…
          |                                 ^
    hint: NOT NULL and DEFAULT with a constant may follow a column's type
    views.sql:1:46: error: column "at" identifies an event and cannot have a default
        1 | CREATE FOREIGN TABLE s (id uuid PRIMARY KEY, at timestamptz DEFAULT '2024-01-01', n int CHECK (n > 0), t text COLLATE "de_DE", CHECK (n > 1)) SERVER parallax O…
          |                                              ^
    hint: records without it would all be the same event
    views.sql:1:89: error: the constraint CHECK is not supported in a source
        1 | …REIGN TABLE s (id uuid PRIMARY KEY, at timestamptz DEFAULT '2024-01-01', n int CHECK (n > 0), t text COLLATE "de_DE", CHECK (n > 1)) SERVER parallax OPTIONS (…
          |                                                                                 ^
    hint: NOT NULL and DEFAULT with a constant may follow a column's type
    views.sql:1:111: error: COLLATE is not supported here
        1 | … PRIMARY KEY, at timestamptz DEFAULT '2024-01-01', n int CHECK (n > 0), t text COLLATE "de_DE", CHECK (n > 1)) SERVER parallax OPTIONS (event_id 'id', event_t…
          |                                                                                 ^
    views.sql:1:128: error: table constraints and LIKE are not supported in a source
        1 | … KEY, at timestamptz DEFAULT '2024-01-01', n int CHECK (n > 0), t text COLLATE "de_DE", CHECK (n > 1)) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
          |                                                                                          ^
    hint: declare columns only; NOT NULL may follow a column's type

    CREATE FOREIGN TABLE s (id uuid OPTIONS (path 'a.b', path 'c', pth 'x'), at timestamptz OPTIONS (format 'epoch_second'), a int OPTIONS (path 'items[0].id'), b int OPTIONS (path 'a..b')) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
    views.sql:1:54: error: option "path" provided more than once
        1 | CREATE FOREIGN TABLE s (id uuid OPTIONS (path 'a.b', path 'c', pth 'x'), at timestamptz OPTIONS (format 'epoch_second'), a int OPTIONS (path 'items[0].id'), b …
          |                                                      ^
    views.sql:1:64: error: unknown option "pth" of a column
        1 | CREATE FOREIGN TABLE s (id uuid OPTIONS (path 'a.b', path 'c', pth 'x'), at timestamptz OPTIONS (format 'epoch_second'), a int OPTIONS (path 'items[0].id'), b …
          |                                                                ^
    hint: did you mean "path"?
    views.sql:1:98: error: option "format": "epoch_second" is no format
        1 | …LE s (id uuid OPTIONS (path 'a.b', path 'c', pth 'x'), at timestamptz OPTIONS (format 'epoch_second'), a int OPTIONS (path 'items[0].id'), b int OPTIONS (path…
          |                                                                                 ^
    hint: did you mean "epoch_seconds"?
    views.sql:1:137: error: option "path": elements of arrays cannot be reached by 'items[0].id'
        1 | … 'c', pth 'x'), at timestamptz OPTIONS (format 'epoch_second'), a int OPTIONS (path 'items[0].id'), b int OPTIONS (path 'a..b')) SERVER parallax OPTIONS (even…
          |                                                                                 ^
    hint: declare the array as a column of type jsonb, or write a name that holds brackets in double quotes
    views.sql:1:173: error: option "path": a name is empty in 'a..b'
        1 | …mptz OPTIONS (format 'epoch_second'), a int OPTIONS (path 'items[0].id'), b int OPTIONS (path 'a..b')) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
          |                                                                                           ^
    hint: such as 'user.address.city'; an empty name is ""

    CREATE FOREIGN TABLE s (id uuid, at timestamptz, a int OPTIONS (path '"a'), b int OPTIONS (path '"a"b'), c int OPTIONS (path 'a"b'), d int OPTIONS (path ''), e date OPTIONS (format 'epoch_seconds')) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
    views.sql:1:65: error: option "path": a double quote is not closed in '"a'
        1 | CREATE FOREIGN TABLE s (id uuid, at timestamptz, a int OPTIONS (path '"a'), b int OPTIONS (path '"a"b'), c int OPTIONS (path 'a"b'), d int OPTIONS (path ''), e…
          |                                                                 ^
    views.sql:1:92: error: option "path": a dot must follow a name in double quotes in '"a"b'
        1 | …GN TABLE s (id uuid, at timestamptz, a int OPTIONS (path '"a'), b int OPTIONS (path '"a"b'), c int OPTIONS (path 'a"b'), d int OPTIONS (path ''), e date OPTIO…
          |                                                                                 ^
    views.sql:1:121: error: option "path": a double quote stands inside of a name in 'a"b'
        1 | …tamptz, a int OPTIONS (path '"a'), b int OPTIONS (path '"a"b'), c int OPTIONS (path 'a"b'), d int OPTIONS (path ''), e date OPTIONS (format 'epoch_seconds')) …
          |                                                                                 ^
    hint: put the whole name in double quotes, and write the one inside twice
    views.sql:1:149: error: option "path": a name is empty in ''
        1 | …'"a'), b int OPTIONS (path '"a"b'), c int OPTIONS (path 'a"b'), d int OPTIONS (path ''), e date OPTIONS (format 'epoch_seconds')) SERVER parallax OPTIONS (eve…
          |                                                                                 ^
    hint: such as 'user.address.city'; an empty name is ""
    views.sql:1:175: error: option "format": a column of type date has none
        1 | … '"a"b'), c int OPTIONS (path 'a"b'), d int OPTIONS (path ''), e date OPTIONS (format 'epoch_seconds')) SERVER parallax OPTIONS (event_id 'id', event_time 'at…
          |                                                                                 ^
    hint: times since an epoch are for timestamptz and timestamp

    CREATE FOREIGN TABLE s (id uuid, at timestamptz, a int OPTIONS (path 'x.y'), b int OPTIONS (path 'x.y')) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
    views.sql:1:78: error: columns "a" and "b" both read the field x.y
        1 | CREATE FOREIGN TABLE s (id uuid, at timestamptz, a int OPTIONS (path 'x.y'), b int OPTIONS (path 'x.y')) SERVER parallax OPTIONS (event_id 'id', event_time 'at…
          |                                                                              ^
    hint: a view can compute with one column in two ways

    CREATE FOREIGN TABLE s (id text DEFAULT 'x', at timestamptz DEFAULT '2024-01-01') SERVER parallax OPTIONS (event_id 'id', event_time 'at')
    views.sql:1:25: error: column "id" identifies an event and cannot have a default
        1 | CREATE FOREIGN TABLE s (id text DEFAULT 'x', at timestamptz DEFAULT '2024-01-01') SERVER parallax OPTIONS (event_id 'id', event_time 'at')
          |                         ^
    hint: records without it would all be the same event
    views.sql:1:46: error: column "at" identifies an event and cannot have a default
        1 | CREATE FOREIGN TABLE s (id text DEFAULT 'x', at timestamptz DEFAULT '2024-01-01') SERVER parallax OPTIONS (event_id 'id', event_time 'at')
          |                                              ^
    hint: records without it would all be the same event

    CREATE FOREIGN TABLE s (id text, at timestamptz, a int DEFAULT 'x', b int DEFAULT 1.5, c text DEFAULT 5, d timestamptz DEFAULT now(), e int DEFAULT a, f numeric(3,2) DEFAULT 10, g int DEFAULT 1 + 1) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
    views.sql:1:64: error: invalid input syntax for type integer: "x"
        1 | CREATE FOREIGN TABLE s (id text, at timestamptz, a int DEFAULT 'x', b int DEFAULT 1.5, c text DEFAULT 5, d timestamptz DEFAULT now(), e int DEFAULT a, f numeri…
          |                                                                ^
    views.sql:1:128: error: now() is not deterministic: a view must give the same result at any time
        1 | … a int DEFAULT 'x', b int DEFAULT 1.5, c text DEFAULT 5, d timestamptz DEFAULT now(), e int DEFAULT a, f numeric(3,2) DEFAULT 10, g int DEFAULT 1 + 1) SERVER …
          |                                                                                 ^
    hint: use a column of the event, or filter in a CREATE VIEW on top of this view
    views.sql:1:149: error: cannot use column reference in DEFAULT expression
        1 | … int DEFAULT 1.5, c text DEFAULT 5, d timestamptz DEFAULT now(), e int DEFAULT a, f numeric(3,2) DEFAULT 10, g int DEFAULT 1 + 1) SERVER parallax OPTIONS (eve…
          |                                                                                 ^
    views.sql:1:175: error: numeric field overflow
        1 | …EFAULT 5, d timestamptz DEFAULT now(), e int DEFAULT a, f numeric(3,2) DEFAULT 10, g int DEFAULT 1 + 1) SERVER parallax OPTIONS (event_id 'id', event_time 'at…
          |                                                                                 ^
    hint: a field with precision 3, scale 2 holds 1 digits before the point
    views.sql:1:193: error: the default of column "g" must be a constant
        1 | …FAULT 5, d timestamptz DEFAULT now(), e int DEFAULT a, f numeric(3,2) DEFAULT 10, g int DEFAULT 1 + 1) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
          |                                                                                                  ^
    hint: compute in the view

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
