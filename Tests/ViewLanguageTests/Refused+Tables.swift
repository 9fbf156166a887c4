/// CREATE TABLE.
let refusedTables = #"""
    CREATE TABLE t AS SELECT 1
    views.sql:1:1: error: CREATE TABLE AS is not supported in a pipeline's definitions
        1 | CREATE TABLE t AS SELECT 1
          | ^
    hint: a view over a source is a CREATE MATERIALIZED VIEW; a table to join has its columns declared: CREATE TABLE name (…)

    CREATE TABLE t ()
    views.sql:1:14: error: a table without columns is not supported
        1 | CREATE TABLE t ()
          |              ^

    CREATE TABLE public.t (a int)
    views.sql:1:14: error: a schema cannot be chosen here
        1 | CREATE TABLE public.t (a int)
          |              ^
    hint: write "t" alone: the pipeline's tables are in the schema "dimension"; CREATE TABLE IF NOT EXISTS names a table of your own, in any schema

    CREATE TABLE IF NOT EXISTS batch.t (a int)
    views.sql:1:28: error: the schema "batch" holds Parallax's own tables
        1 | CREATE TABLE IF NOT EXISTS batch.t (a int)
          |                            ^
    hint: a table of your own is in a schema of your own, or in "public"

    CREATE TEMP TABLE t (a int)
    views.sql:1:19: error: TEMPORARY and UNLOGGED are not supported here
        1 | CREATE TEMP TABLE t (a int)
          |                   ^

    CREATE TABLE t (a int, a text, ctid int)
    views.sql:1:24: error: column "a" specified more than once
        1 | CREATE TABLE t (a int, a text, ctid int)
          |                        ^
    views.sql:1:32: error: column name "ctid" conflicts with a system column name
        1 | CREATE TABLE t (a int, a text, ctid int)
          |                                ^

    CREATE TABLE t (a money, b numeric, c interval)
    views.sql:1:19: error: type money is not supported yet
        1 | CREATE TABLE t (a money, b numeric, c interval)
          |                   ^
    hint: use numeric(p,s)

    CREATE TABLE t (a int DEFAULT 1, b int CHECK (b > 1), c int REFERENCES event, d int GENERATED ALWAYS AS IDENTITY)
    views.sql:1:23: error: DEFAULT is not supported in a table of the pipeline
        1 | CREATE TABLE t (a int DEFAULT 1, b int CHECK (b > 1), c int REFERENCES event, d int GENERATED ALWAYS AS IDENTITY)
          |                       ^
    hint: supported: NOT NULL, PRIMARY KEY, UNIQUE; a table with more is made in PostgreSQL, and named by CREATE TABLE IF NOT EXISTS
    views.sql:1:40: error: CHECK is not supported in a table of the pipeline
        1 | CREATE TABLE t (a int DEFAULT 1, b int CHECK (b > 1), c int REFERENCES event, d int GENERATED ALWAYS AS IDENTITY)
          |                                        ^
    hint: supported: NOT NULL, PRIMARY KEY, UNIQUE; a table with more is made in PostgreSQL, and named by CREATE TABLE IF NOT EXISTS
    views.sql:1:61: error: REFERENCES is not supported in a table of the pipeline
        1 | CREATE TABLE t (a int DEFAULT 1, b int CHECK (b > 1), c int REFERENCES event, d int GENERATED ALWAYS AS IDENTITY)
          |                                                             ^
    hint: supported: NOT NULL, PRIMARY KEY, UNIQUE; a table with more is made in PostgreSQL, and named by CREATE TABLE IF NOT EXISTS
    views.sql:1:85: error: GENERATED AS IDENTITY is not supported in a table of the pipeline
        1 | CREATE TABLE t (a int DEFAULT 1, b int CHECK (b > 1), c int REFERENCES event, d int GENERATED ALWAYS AS IDENTITY)
          |                                                                                     ^
    hint: supported: NOT NULL, PRIMARY KEY, UNIQUE; a table with more is made in PostgreSQL, and named by CREATE TABLE IF NOT EXISTS

    CREATE TABLE t (a int PRIMARY KEY, b int PRIMARY KEY)
    views.sql:1:42: error: multiple primary keys for table "t" are not allowed
        1 | CREATE TABLE t (a int PRIMARY KEY, b int PRIMARY KEY)
          |                                          ^

    CREATE TABLE t (a int, PRIMARY KEY (b), CHECK (a > 0), FOREIGN KEY (a) REFERENCES event)
    views.sql:1:24: error: column "b" named in key does not exist
        1 | CREATE TABLE t (a int, PRIMARY KEY (b), CHECK (a > 0), FOREIGN KEY (a) REFERENCES event)
          |                        ^
    hint: did you mean "a"?
    views.sql:1:41: error: CHECK is not supported in a table of the pipeline
        1 | CREATE TABLE t (a int, PRIMARY KEY (b), CHECK (a > 0), FOREIGN KEY (a) REFERENCES event)
          |                                         ^
    hint: supported: NOT NULL, PRIMARY KEY, UNIQUE; a table with more is made in PostgreSQL, and named by CREATE TABLE IF NOT EXISTS
    views.sql:1:56: error: REFERENCES is not supported in a table of the pipeline
        1 | CREATE TABLE t (a int, PRIMARY KEY (b), CHECK (a > 0), FOREIGN KEY (a) REFERENCES event)
          |                                                        ^
    hint: supported: NOT NULL, PRIMARY KEY, UNIQUE; a table with more is made in PostgreSQL, and named by CREATE TABLE IF NOT EXISTS

    CREATE TABLE t (LIKE event)
    views.sql:1:22: error: LIKE is not supported in a table of the pipeline
        1 | CREATE TABLE t (LIKE event)
          |                      ^
    hint: declare its columns

    CREATE TABLE t (a int) INHERITS (event)
    views.sql:1:24: error: INHERITS is not supported here
        1 | CREATE TABLE t (a int) INHERITS (event)
          |                        ^

    CREATE TABLE t (a int) PARTITION BY RANGE (a)
    views.sql:1:24: error: PARTITION is not supported here
        1 | CREATE TABLE t (a int) PARTITION BY RANGE (a)
          |                        ^

    CREATE TABLE t (a int, UNIQUE (a) INCLUDE (a))
    views.sql:1:35: error: INCLUDE is not supported here
        1 | CREATE TABLE t (a int, UNIQUE (a) INCLUDE (a))
          |                                   ^

    CREATE TABLE event (a int)
    views.sql:1:14: error: relation "event" is defined more than once
        1 | CREATE TABLE event (a int)
          |              ^
    hint: the first definition is at source.sql:1:22
    """#
