/// Patterns that are none, and those that a view cannot have. Statements, and what is printed for them.
let refusedRegularExpressions = #"""
    CREATE FOREIGN TABLE s (id text, at timestamptz, c text) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE c ~ 7
    views.sql:2:62: error: operator does not exist: text ~ integer
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE c ~ 7
          |                                                              ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    CREATE FOREIGN TABLE s (id text, at timestamptz, c text) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE c ~ 'a('
    views.sql:2:64: error: invalid regular expression: parentheses () not balanced
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE c ~ 'a('
          |                                                                ^

    CREATE FOREIGN TABLE s (id text, at timestamptz, c text) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE c ~ 'a**'
    views.sql:2:64: error: invalid regular expression: quantifier operand invalid
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE c ~ 'a**'
          |                                                                ^

    CREATE FOREIGN TABLE s (id text, at timestamptz, c text) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE c !~* '[b-a]'
    views.sql:2:66: error: invalid regular expression: invalid character range
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE c !~* '[b-a]'
          |                                                                  ^

    CREATE FOREIGN TABLE s (id text, at timestamptz, c text) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE c ~ '(a)\1'
    views.sql:2:64: error: a back reference in a regular expression is not supported
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE c ~ '(a)\1'
          |                                                                ^

    CREATE FOREIGN TABLE s (id text, at timestamptz, c text) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE c ~ 'a(?=b)'
    views.sql:2:64: error: look-around in a regular expression is not supported
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE c ~ 'a(?=b)'
          |                                                                ^
    hint: two conditions with AND say much of it

    CREATE FOREIGN TABLE s (id text, at timestamptz, c text) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE c ~ '(?i)a'
    views.sql:2:64: error: an embedded option in a regular expression is not supported
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE c ~ '(?i)a'
          |                                                                ^
    hint: ~* ignores case

    CREATE FOREIGN TABLE s (id text, at timestamptz, c text) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE c ~ '\yab'
    views.sql:2:64: error: a word boundary in a regular expression is not supported
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE c ~ '\yab'
          |                                                                ^
    hint: name what may stand there, such as (^|\W)word(\W|$)

    CREATE FOREIGN TABLE s (id text, at timestamptz, c text) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE c ~ '***=a'
    views.sql:2:64: error: the prefix *** in a regular expression is not supported
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE c ~ '***=a'
          |                                                                ^
    hint: write the pattern alone

    CREATE FOREIGN TABLE s (id text, at timestamptz, c text) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE c ~ '[[.a.]]'
    views.sql:2:64: error: a collating element in a regular expression is not supported
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE c ~ '[[.a.]]'
          |                                                                ^
    hint: write the character itself

    CREATE FOREIGN TABLE s (id text, at timestamptz, c text) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE c ~ '\x41'
    views.sql:2:64: error: the escape \x in a regular expression is not supported
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE c ~ '\x41'
          |                                                                ^
    hint: write the character, or \u and four hexadecimal digits

    CREATE FOREIGN TABLE s (id text, at timestamptz, c text) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE c ~ '((a{200}){200}){3}'
    views.sql:2:64: error: this regular expression is too large
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE c ~ '((a{200}){200}){3}'
          |                                                                ^
    hint: repeat less often: a{1000} counts as a thousand characters

    CREATE FOREIGN TABLE s (id text, at timestamptz, c text) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE at ~ '2024'
    views.sql:2:63: error: operator does not exist: timestamp with time zone ~ unknown
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE at ~ '2024'
          |                                                               ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    CREATE FOREIGN TABLE s (id text, at timestamptz, c text) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE c ~ 5
    views.sql:2:62: error: operator does not exist: text ~ integer
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE c ~ 5
          |                                                              ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    CREATE FOREIGN TABLE s (id text, at timestamptz, c text) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE c ~ '[[:letter:]]'
    views.sql:2:64: error: invalid regular expression: invalid character class
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE c ~ '[[:letter:]]'
          |                                                                ^

    CREATE FOREIGN TABLE s (id text, at timestamptz, c text) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
    CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE c SIMILAR TO 'a'
    views.sql:2:62: error: SIMILAR TO is not supported yet
        2 | CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s WHERE c SIMILAR TO 'a'
          |                                                              ^
    """#
