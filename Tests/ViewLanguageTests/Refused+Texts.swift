/// Several statements, places after tabs and wide characters, and text that never ends. A statement (or a part of one, see `RefusalTests`), and what is printed for it.
let refusedTexts = #"""
    CREATE FOREIGN TABLE s (id uuid, at timestamptz, n txt) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT n, amuont, count(*) FROM s GROUP BY n;
    CREATE VIEW o AS SELECT * FROM v
    views.sql:1:52: error: type "txt" does not exist
        1 | CREATE FOREIGN TABLE s (id uuid, at timestamptz, n txt) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
          |                                                    ^
    hint: did you mean "text"?
    views.sql:2:41: error: column "amuont" does not exist
        2 | CREATE MATERIALIZED VIEW v AS SELECT n, amuont, count(*) FROM s GROUP BY n;
          |                                         ^
    hint: the columns of "s" are: id, at, n

    CREATE MATERIALIZED VIEW v AS SELECT count(* FROM event;
    CREATE VIEW o AS SELECT * FROM v;
    CREATE MATERIALIZED VIEW w AS SELECT count(*) FROM evnt
    views.sql:1:46: error: syntax error at or near "FROM"
        1 | CREATE MATERIALIZED VIEW v AS SELECT count(* FROM event;
          |                                              ^
    views.sql:3:52: error: relation "evnt" does not exist
        3 | CREATE MATERIALIZED VIEW w AS SELECT count(*) FROM evnt
          |                                                    ^
    hint: did you mean "event"?

    CREATE MATERIALIZED VIEW v AS
    	SELECT 'größe 大' AS k,	pge FROM event
    views.sql:2:9: error: a constant in the SELECT list is not supported
        2 | 	SELECT 'größe 大' AS k,	pge FROM event
          | 	       ^
    hint: add it in a CREATE VIEW on top of this view
    views.sql:2:25: error: column "pge" does not exist
        2 | 	SELECT 'größe 大' AS k,	pge FROM event
          | 	                       	^
    hint: did you mean "page"?

    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM event WHERE page = 'é' frm x
    views.sql:1:75: error: syntax error at or near "frm"
        1 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM event WHERE page = 'é' frm x
          |                                                                           ^

    CREATE VIEW v AS SELECT 'abc FROM seen
    views.sql:1:25: error: unterminated quoted string at or near "'abc FROM seen"
        1 | CREATE VIEW v AS SELECT 'abc FROM seen
          |                         ^

    CREATE VIEW v AS SELECT $tag$ FROM seen
    views.sql:1:25: error: unterminated dollar-quoted string at or near "$tag$ FROM seen"
        1 | CREATE VIEW v AS SELECT $tag$ FROM seen
          |                         ^

    CREATE VIEW v AS SELECT 1 /* FROM seen
    views.sql:1:27: error: unterminated /* comment at or near "/* FROM seen"
        1 | CREATE VIEW v AS SELECT 1 /* FROM seen
          |                           ^

    CREATE VIEW v AS SELECT 1 AS "x FROM seen
    views.sql:1:30: error: unterminated quoted identifier at or near ""x FROM seen"
        1 | CREATE VIEW v AS SELECT 1 AS "x FROM seen
          |                              ^
    """#
