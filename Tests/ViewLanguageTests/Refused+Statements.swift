/// Statements other than the four, and views. A statement (or a part of one, see `RefusalTests`), and what is printed for it.
let refusedStatements = #"""
    SELECT 1
    views.sql:1:1: error: a SELECT alone defines nothing
        1 | SELECT 1
          | ^
    hint: write CREATE MATERIALIZED VIEW name AS SELECT …

    DROP VIEW v
    views.sql:1:1: error: this statement is not supported in a pipeline's definitions
        1 | DROP VIEW v
          | ^
    hint: supported: CREATE FOREIGN TABLE, CREATE TABLE, CREATE MATERIALIZED VIEW, CREATE VIEW

    INSERT INTO event VALUES (1)
    views.sql:1:1: error: this statement is not supported in a pipeline's definitions
        1 | INSERT INTO event VALUES (1)
          | ^
    hint: supported: CREATE FOREIGN TABLE, CREATE TABLE, CREATE MATERIALIZED VIEW, CREATE VIEW

    CREATE INDEX ON event (page)
    views.sql:1:1: error: this statement is not supported in a pipeline's definitions
        1 | CREATE INDEX ON event (page)
          | ^
    hint: supported: CREATE FOREIGN TABLE, CREATE TABLE, CREATE MATERIALIZED VIEW, CREATE VIEW

    CREAT VIEW v AS SELECT 1
    views.sql:1:1: error: syntax error at or near "CREAT"
        1 | CREAT VIEW v AS SELECT 1
          | ^

    CREATE OR REPLACE VIEW v AS SELECT * FROM seen
    views.sql:1:1: error: CREATE OR REPLACE is not supported
        1 | CREATE OR REPLACE VIEW v AS SELECT * FROM seen
          | ^
    hint: write CREATE VIEW: applying it replaces what was there

    CREATE VIEW v(a) AS SELECT page FROM seen
    views.sql:1:13: error: a column list after the view's name is not supported
        1 | CREATE VIEW v(a) AS SELECT page FROM seen
          |             ^
    hint: name the columns with AS in the SELECT list

    CREATE VIEW v AS SELECT page FROM seen WITH CHECK OPTION
    views.sql:1:45: error: WITH CHECK OPTION is not supported
        1 | CREATE VIEW v AS SELECT page FROM seen WITH CHECK OPTION
          |                                             ^
    hint: only the layers write rows

    CREATE VIEW v WITH (security_barrier) AS SELECT page FROM seen
    views.sql:1:15: error: WITH (options) is not supported here
        1 | CREATE VIEW v WITH (security_barrier) AS SELECT page FROM seen
          |               ^

    CREATE TEMP VIEW v AS SELECT page FROM seen
    views.sql:1:18: error: TEMPORARY and UNLOGGED are not supported here
        1 | CREATE TEMP VIEW v AS SELECT page FROM seen
          |                  ^

    CREATE VIEW serving.v AS SELECT page FROM seen
    views.sql:1:13: error: a schema cannot be chosen here
        1 | CREATE VIEW serving.v AS SELECT page FROM seen
          |             ^
    hint: write "v" alone; results appear in the schema "serving"

    CREATE VIEW v AS SELECT * FROM sen
    views.sql:1:32: error: relation "sen" does not exist
        1 | CREATE VIEW v AS SELECT * FROM sen
          |                                ^
    hint: did you mean "seen"?

    CREATE VIEW v AS SELECT * FROM event
    views.sql:1:32: error: "event" is a source: a CREATE VIEW reads views
        1 | CREATE VIEW v AS SELECT * FROM event
          |                                ^
    hint: aggregate it in a CREATE MATERIALIZED VIEW, and read that

    CREATE VIEW v AS SELECT * FROM public.seen
    views.sql:1:32: error: relation "public.seen" does not belong to the pipeline
        1 | CREATE VIEW v AS SELECT * FROM public.seen
          |                                ^
    hint: a CREATE VIEW reads the pipeline's views and tables

    CREATE VIEW v AS WITH x AS (DELETE FROM seen RETURNING *) SELECT * FROM x
    views.sql:1:41: error: views must not contain data-modifying statements in WITH
        1 | CREATE VIEW v AS WITH x AS (DELETE FROM seen RETURNING *) SELECT * FROM x
          |                                         ^

    CREATE VIEW v AS SELECT * INTO y FROM seen
    views.sql:1:27: error: views must not contain SELECT INTO
        1 | CREATE VIEW v AS SELECT * INTO y FROM seen
          |                           ^

    CREATE VIEW v AS WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a
    views.sql:1:43: error: relation "b" does not exist
        1 | CREATE VIEW v AS WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a
          |                                           ^
    hint: the views are: seen

    CREATE VIEW a AS SELECT * FROM b; CREATE VIEW b AS SELECT * FROM a
    views.sql:1:13: error: views that read one another in a circle: "a", "b"
        1 | CREATE VIEW a AS SELECT * FROM b; CREATE VIEW b AS SELECT * FROM a
          |             ^
    hint: each view may read only views that do not read it

    CREATE VIEW seen_changes AS SELECT * FROM seen
    views.sql:1:13: error: the name "seen_changes" belongs to the changes of view "seen"
        1 | CREATE VIEW seen_changes AS SELECT * FROM seen
          |             ^
    hint: every view has a relation of that name beside it, which programs follow it by; give this one another name

    CREATE VIEW seen AS SELECT * FROM event
    views.sql:1:13: error: relation "seen" is defined more than once
        1 | CREATE VIEW seen AS SELECT * FROM event
          |             ^
    hint: the first definition is at source.sql:6:26

    CREATE UNLOGGED MATERIALIZED VIEW v AS SELECT count(*) FROM event
    views.sql:1:35: error: TEMPORARY and UNLOGGED are not supported here
        1 | CREATE UNLOGGED MATERIALIZED VIEW v AS SELECT count(*) FROM event
          |                                   ^

    CREATE MATERIALIZED VIEW IF NOT EXISTS v AS SELECT count(*) FROM event
    views.sql:1:26: error: IF NOT EXISTS is not supported here
        1 | CREATE MATERIALIZED VIEW IF NOT EXISTS v AS SELECT count(*) FROM event
          |                          ^

    CREATE MATERIALIZED VIEW v(n) AS SELECT count(*) FROM event
    views.sql:1:26: error: a column list after the name is not supported here
        1 | CREATE MATERIALIZED VIEW v(n) AS SELECT count(*) FROM event
          |                          ^

    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM event WITH NO DATA
    views.sql:1:63: error: WITH NO DATA is not supported
        1 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM event WITH NO DATA
          |                                                               ^
    hint: a view is filled by its first run

    CREATE MATERIALIZED VIEW v TABLESPACE x AS SELECT count(*) FROM event
    views.sql:1:28: error: TABLESPACE is not supported here
        1 | CREATE MATERIALIZED VIEW v TABLESPACE x AS SELECT count(*) FROM event
          |                            ^

    CREATE MATERIALIZED VIEW v WITH (fillfactor = 70) AS SELECT count(*) FROM event
    views.sql:1:34: error: unknown option "fillfactor"
        1 | CREATE MATERIALIZED VIEW v WITH (fillfactor = 70) AS SELECT count(*) FROM event
          |                                  ^
    hint: the options are: distinct_error, percentile_compression, max_drift, retention, keep_sketches

    CREATE MATERIALIZED VIEW v WITH (distinct_eror = 0.01) AS SELECT count(*) FROM event
    views.sql:1:34: error: unknown option "distinct_eror"
        1 | CREATE MATERIALIZED VIEW v WITH (distinct_eror = 0.01) AS SELECT count(*) FROM event
          |                                  ^
    hint: did you mean "distinct_error"?

    CREATE MATERIALIZED VIEW v WITH (distinct_error = 0.0001) AS SELECT count(*) FROM event
    views.sql:1:34: error: distinct_error 0.0001 is too small
        1 | CREATE MATERIALIZED VIEW v WITH (distinct_error = 0.0001) AS SELECT count(*) FROM event
          |                                  ^
    hint: the smallest is 0.0021: a sketch has 163840 bytes then

    CREATE MATERIALIZED VIEW v WITH (distinct_error = 'low') AS SELECT count(*) FROM event
    views.sql:1:34: error: distinct_error must be a number between 0 and 1
        1 | CREATE MATERIALIZED VIEW v WITH (distinct_error = 'low') AS SELECT count(*) FROM event
          |                                  ^
    hint: such as 0.01, for one percent

    CREATE MATERIALIZED VIEW v WITH (percentile_compression = 5) AS SELECT count(*) FROM event
    views.sql:1:34: error: percentile_compression must be a whole number from 20 to 2000
        1 | CREATE MATERIALIZED VIEW v WITH (percentile_compression = 5) AS SELECT count(*) FROM event
          |                                  ^
    hint: the default is 200

    CREATE MATERIALIZED VIEW v WITH (max_drift = 5) AS SELECT count(*) FROM event
    views.sql:1:34: error: max_drift must be a percentage, or a number from 0 to 1
        1 | CREATE MATERIALIZED VIEW v WITH (max_drift = 5) AS SELECT count(*) FROM event
          |                                  ^
    hint: such as '5%', or 0.05; '0%' holds every run that differs

    CREATE MATERIALIZED VIEW v WITH (max_drift = '-1%') AS SELECT count(*) FROM event
    views.sql:1:34: error: max_drift must be a percentage, or a number from 0 to 1
        1 | CREATE MATERIALIZED VIEW v WITH (max_drift = '-1%') AS SELECT count(*) FROM event
          |                                  ^
    hint: such as '5%', or 0.05; '0%' holds every run that differs

    CREATE MATERIALIZED VIEW v WITH (retention = 90) AS SELECT tumble(at, '1 day') AS d, count(*) FROM event GROUP BY d
    views.sql:1:34: error: retention must be an interval in quotes
        1 | CREATE MATERIALIZED VIEW v WITH (retention = 90) AS SELECT tumble(at, '1 day') AS d, count(*) FROM event GROUP BY d
          |                                  ^
    hint: such as '90 days'

    CREATE MATERIALIZED VIEW v WITH (retention = '3 months') AS SELECT tumble(at, '1 day') AS d, count(*) FROM event GROUP BY d
    views.sql:1:34: error: retention: months and years have no fixed length
        1 | CREATE MATERIALIZED VIEW v WITH (retention = '3 months') AS SELECT tumble(at, '1 day') AS d, count(*) FROM event GROUP BY d
          |                                  ^
    hint: write weeks, days, hours, minutes or seconds

    CREATE MATERIALIZED VIEW v WITH (retention = '0 days') AS SELECT tumble(at, '1 day') AS d, count(*) FROM event GROUP BY d
    views.sql:1:34: error: retention must be longer than nothing
        1 | CREATE MATERIALIZED VIEW v WITH (retention = '0 days') AS SELECT tumble(at, '1 day') AS d, count(*) FROM event GROUP BY d
          |                                  ^
    hint: such as '90 days'

    CREATE MATERIALIZED VIEW v WITH (retention = '90 days') AS SELECT session(at, '1 hour') AS s, count(*) FROM event GROUP BY s
    views.sql:1:34: error: retention is not supported with session(…)
        1 | CREATE MATERIALIZED VIEW v WITH (retention = '90 days') AS SELECT session(at, '1 hour') AS s, count(*) FROM event GROUP BY s
          |                                  ^
    hint: use it with tumble, hop or date_trunc

    CREATE MATERIALIZED VIEW v WITH (retention = '90 days') AS SELECT page, count(*) FROM event GROUP BY page
    views.sql:1:34: error: retention needs a window: rows of a view without one never end
        1 | CREATE MATERIALIZED VIEW v WITH (retention = '90 days') AS SELECT page, count(*) FROM event GROUP BY page
          |                                  ^
    hint: group by tumble(…) or another window, or leave the option out

    CREATE MATERIALIZED VIEW v WITH (keep_sketches = 3) AS SELECT tumble(at, '1 day') AS d, count(DISTINCT page) FROM event GROUP BY d
    views.sql:1:34: error: keep_sketches must be true or false
        1 | CREATE MATERIALIZED VIEW v WITH (keep_sketches = 3) AS SELECT tumble(at, '1 day') AS d, count(DISTINCT page) FROM event GROUP BY d
          |                                  ^

    CREATE MATERIALIZED VIEW v WITH (keep_sketches = true) AS SELECT page, count(DISTINCT page) FROM event GROUP BY page
    views.sql:1:34: error: keep_sketches needs a window: a view without one always keeps its sketches
        1 | CREATE MATERIALIZED VIEW v WITH (keep_sketches = true) AS SELECT page, count(DISTINCT page) FROM event GROUP BY page
          |                                  ^
    hint: leave the option out

    CREATE MATERIALIZED VIEW v WITH (keep_sketches) AS SELECT tumble(at, '1 day') AS d, sum(amount) FROM event GROUP BY d
    views.sql:1:34: error: keep_sketches: no measure of this view has a sketch
        1 | CREATE MATERIALIZED VIEW v WITH (keep_sketches) AS SELECT tumble(at, '1 day') AS d, sum(amount) FROM event GROUP BY d
          |                                  ^
    hint: leave the option out: all that the view shows can be rolled up without it

    CREATE MATERIALIZED VIEW v USING heap AS SELECT count(*) FROM event
    views.sql:1:28: error: USING is not supported here
        1 | CREATE MATERIALIZED VIEW v USING heap AS SELECT count(*) FROM event
          |                            ^

    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM seen
    views.sql:1:52: error: "seen" is a view: a materialized view reads a source
        1 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM seen
          |                                                    ^
    hint: write CREATE VIEW to compute over the rows of a view

    CREATE MATERIALIZED VIEW v AS TABLE event
    views.sql:1:1: error: * is not supported in a materialized view
        1 | CREATE MATERIALIZED VIEW v AS TABLE event
          | ^
    hint: name the columns, and aggregate those that are not grouped by

    CREATE MATERIALIZED VIEW v AS EXECUTE x
    views.sql:1:31: error: syntax error at or near "EXECUTE"
        1 | CREATE MATERIALIZED VIEW v AS EXECUTE x
          |                               ^

    CREATE MATERIALIZED VIEW a_view_whose_name_is_longer_than_fifty_bytes_is_here AS SELECT count(*) FROM event
    views.sql:1:26: error: a view's name of 52 bytes is too long
        1 | CREATE MATERIALIZED VIEW a_view_whose_name_is_longer_than_fifty_bytes_is_here AS SELECT count(*) FROM event
          |                          ^
    hint: at most 50 bytes, so that a version fits beside it in the name of a table
    """#
