/// The tables that the cases below join.
let joinedTables = """
    CREATE TABLE ad (id int PRIMARY KEY, page text UNIQUE, campaign bigint, lang text, starts timestamptz);
    CREATE TABLE campaign (campaign text PRIMARY KEY, name text);
    CREATE TABLE keyless (code text);
    CREATE TABLE pair (page text, lang text, note text, PRIMARY KEY (page, lang));
    CREATE TABLE tag (page text, word text);
    CREATE TABLE big (id bigint PRIMARY KEY);
    """

/// What is refused in FROM, and where columns of tables are named.
let refusedJoins = #"""
    SELECT count(*) FROM event, ad
    views.sql:2:29: error: several FROM items are not supported
        2 | SELECT count(*) FROM event, ad
          |                             ^
    hint: a materialized view reads one source; a table is joined: FROM source JOIN table USING (column)

    SELECT count(*) FROM ad JOIN event USING (page)
    views.sql:2:22: error: "ad" is a table: a materialized view reads a source
        2 | SELECT count(*) FROM ad JOIN event USING (page)
          |                      ^
    hint: a table is joined: FROM source JOIN ad USING (column)

    SELECT count(*) FROM event JOIN event e ON true
    views.sql:2:33: error: a join of two sources is not supported
        2 | SELECT count(*) FROM event JOIN event e ON true
          |                                 ^
    hint: events are looked up in tables (CREATE TABLE); write a view over each source, and join the views in a CREATE VIEW

    SELECT count(*) FROM event JOIN seen USING (page)
    views.sql:2:33: error: "seen" is a view: a materialized view joins tables
        2 | SELECT count(*) FROM event JOIN seen USING (page)
          |                                 ^
    hint: join views in a CREATE VIEW; a table to look events up in is defined by CREATE TABLE

    SELECT count(*) FROM event JOIN adds USING (page)
    views.sql:2:33: error: relation "adds" does not exist
        2 | SELECT count(*) FROM event JOIN adds USING (page)
          |                                 ^
    hint: the tables are: ad, campaign, keyless, pair, tag, big

    SELECT count(*) FROM event JOIN nowhere_near USING (page)
    views.sql:2:33: error: relation "nowhere_near" does not exist
        2 | SELECT count(*) FROM event JOIN nowhere_near USING (page)
          |                                 ^
    hint: the tables are: ad, campaign, keyless, pair, tag, big

    SELECT count(*) FROM event RIGHT JOIN ad ON ad.id = event.quantity
    views.sql:2:28: error: RIGHT JOIN is not supported in a materialized view: its rows begin with events
        2 | SELECT count(*) FROM event RIGHT JOIN ad ON ad.id = event.quantity
          |                            ^
    hint: events are looked up in a table: FROM source JOIN table USING (column), or LEFT JOIN, which keeps events without a row

    SELECT count(*) FROM event FULL JOIN ad ON ad.id = event.quantity
    views.sql:2:28: error: FULL JOIN is not supported in a materialized view: its rows begin with events
        2 | SELECT count(*) FROM event FULL JOIN ad ON ad.id = event.quantity
          |                            ^
    hint: events are looked up in a table: FROM source JOIN table USING (column), or LEFT JOIN, which keeps events without a row

    SELECT count(*) FROM event CROSS JOIN ad
    views.sql:2:28: error: CROSS JOIN is not supported in a materialized view: it would multiply events
        2 | SELECT count(*) FROM event CROSS JOIN ad
          |                            ^
    hint: events are looked up in a table: FROM source JOIN table USING (column), or LEFT JOIN, which keeps events without a row

    SELECT count(*) FROM event NATURAL JOIN ad
    views.sql:2:28: error: NATURAL JOIN is not supported in a materialized view
        2 | SELECT count(*) FROM event NATURAL JOIN ad
          |                            ^
    hint: write JOIN … USING (columns): a column that the table gains must not change what a view means

    SELECT count(*) FROM event JOIN (SELECT 1) x ON true
    views.sql:2:41: error: sub-queries are not supported in a materialized view
        2 | SELECT count(*) FROM event JOIN (SELECT 1) x ON true
          |                                         ^
    hint: a source is joined with tables of the pipeline

    SELECT count(*) FROM event JOIN (ad JOIN campaign USING (campaign)) ON true
    views.sql:2:34: error: a join in parentheses is not supported
        2 | SELECT count(*) FROM event JOIN (ad JOIN campaign USING (campaign)) ON true
          |                                  ^
    hint: write the joins one behind the other

    SELECT count(*) FROM event JOIN LATERAL generate_series(1, 2) g ON true
    views.sql:2:41: error: only a table can be joined with a source
        2 | SELECT count(*) FROM event JOIN LATERAL generate_series(1, 2) g ON true
          |                                         ^
    hint: a source is joined with tables of the pipeline

    SELECT count(*) FROM (event JOIN ad ON ad.id = quantity) AS j
    views.sql:2:34: error: an alias of a join is not supported
        2 | SELECT count(*) FROM (event JOIN ad ON ad.id = quantity) AS j
          |                                  ^
    hint: name its tables

    SELECT count(*) FROM event JOIN ad USING (page) AS j
    views.sql:2:33: error: an alias of a join is not supported
        2 | SELECT count(*) FROM event JOIN ad USING (page) AS j
          |                                 ^
    hint: name its tables

    SELECT count(*) FROM event JOIN ad ON true
    views.sql:2:39: error: a join by anything but equalities is not supported
        2 | SELECT count(*) FROM event JOIN ad ON true
          |                                       ^
    hint: write ON event.column = ad.column, and other conditions in WHERE

    SELECT count(*) FROM event JOIN ad ON ad.id > quantity
    views.sql:2:45: error: a join by anything but equalities is not supported
        2 | SELECT count(*) FROM event JOIN ad ON ad.id > quantity
          |                                             ^
    hint: write ON event.column = ad.column, and other conditions in WHERE

    SELECT count(*) FROM event JOIN ad ON ad.id = quantity OR ad.page = event.page
    views.sql:2:56: error: a join by anything but equalities is not supported
        2 | SELECT count(*) FROM event JOIN ad ON ad.id = quantity OR ad.page = event.page
          |                                                        ^
    hint: write ON event.column = ad.column, and other conditions in WHERE

    SELECT count(*) FROM event JOIN ad ON ad.id = quantity AND ok
    views.sql:2:60: error: a join by anything but equalities is not supported
        2 | SELECT count(*) FROM event JOIN ad ON ad.id = quantity AND ok
          |                                                            ^
    hint: write ON event.column = ad.column, and other conditions in WHERE

    SELECT count(*) FROM event JOIN ad ON ad.id = quantity AND country = 'DE'
    views.sql:2:68: error: this condition compares nothing with a column of "ad"
        2 | SELECT count(*) FROM event JOIN ad ON ad.id = quantity AND country = 'DE'
          |                                                                    ^
    hint: write it in WHERE

    SELECT count(*) FROM event LEFT JOIN ad ON ad.id = quantity AND country = 'DE'
    views.sql:2:73: error: this condition compares nothing with a column of "ad"
        2 | SELECT count(*) FROM event LEFT JOIN ad ON ad.id = quantity AND country = 'DE'
          |                                                                         ^
    hint: write ON event.column = ad.column

    SELECT count(*) FROM event JOIN ad ON ad.id + 1 = quantity
    views.sql:2:49: error: an expression over the columns of "ad" cannot be joined by
        2 | SELECT count(*) FROM event JOIN ad ON ad.id + 1 = quantity
          |                                                 ^
    hint: one side of each equality is a column of the table by itself, the other one has none of its columns: ON event.column = ad.column

    SELECT count(*) FROM event JOIN ad ON ad.id = ad.campaign
    views.sql:2:45: error: an expression over the columns of "ad" cannot be joined by
        2 | SELECT count(*) FROM event JOIN ad ON ad.id = ad.campaign
          |                                             ^
    hint: one side of each equality is a column of the table by itself, the other one has none of its columns: ON event.column = ad.column

    SELECT count(*) FROM event JOIN ad ON ad.id = country
    views.sql:2:45: error: operator does not exist: integer = text
        2 | SELECT count(*) FROM event JOIN ad ON ad.id = country
          |                                             ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    SELECT count(*) FROM event JOIN ad ON ad.id = count(*)
    views.sql:2:47: error: aggregate functions are not allowed in JOIN conditions
        2 | SELECT count(*) FROM event JOIN ad ON ad.id = count(*)
          |                                               ^

    SELECT count(*) FROM event JOIN ad USING (quantity)
    views.sql:2:43: error: column "quantity" specified in USING clause does not exist in right table
        2 | SELECT count(*) FROM event JOIN ad USING (quantity)
          |                                           ^
    hint: the columns of "ad" are: id, page, campaign, lang, starts

    SELECT count(*) FROM event JOIN ad USING (id)
    views.sql:2:43: error: JOIN/USING types uuid and integer cannot be matched
        2 | SELECT count(*) FROM event JOIN ad USING (id)
          |                                           ^

    SELECT count(*) FROM event JOIN ad USING (campaign)
    views.sql:2:43: error: column "campaign" specified in USING clause does not exist in left table
        2 | SELECT count(*) FROM event JOIN ad USING (campaign)
          |                                           ^
    hint: the columns of "event" are: id, at, received, page, country, amount, total, quantity, duration, ratio, ok

    SELECT count(*) FROM event JOIN ad USING (page, page)
    views.sql:2:43: error: column name "page" appears more than once in USING clause
        2 | SELECT count(*) FROM event JOIN ad USING (page, page)
          |                                           ^

    SELECT count(*) FROM event JOIN keyless k ON k.code = page
    views.sql:2:33: error: "keyless" may have several rows with the same (code): a join must not multiply events
        2 | SELECT count(*) FROM event JOIN keyless k ON k.code = page
          |                                 ^
    hint: declare them PRIMARY KEY or UNIQUE in CREATE TABLE keyless

    SELECT count(*) FROM event JOIN campaign ON campaign = duration
    views.sql:2:54: error: operator does not exist: text = bigint
        2 | SELECT count(*) FROM event JOIN campaign ON campaign = duration
          |                                                      ^
    hint: no operator matches the given name and argument types; you might need to add explicit type casts

    SELECT count(*) FROM event e JOIN ad ON ad.id = quantity JOIN pair USING (page, lang)
    views.sql:2:75: error: common column name "page" appears more than once in left table
        2 | SELECT count(*) FROM event e JOIN ad ON ad.id = quantity JOIN pair USING (page, lang)
          |                                                                           ^
    hint: write ON e.page = pair.page

    SELECT count(*) FROM event e JOIN ad ON ad.id = e.quantity JOIN tag USING (page)
    views.sql:2:76: error: common column name "page" appears more than once in left table
        2 | SELECT count(*) FROM event e JOIN ad ON ad.id = e.quantity JOIN tag USING (page)
          |                                                                            ^
    hint: write ON e.page = tag.page

    SELECT count(*) FROM event JOIN ad event ON true
    views.sql:2:33: error: table name "event" specified more than once
        2 | SELECT count(*) FROM event JOIN ad event ON true
          |                                 ^
    hint: write AS and another name behind one of them

    SELECT count(*) FROM event JOIN ad ON ad.id = quantity JOIN ad ON ad.id = duration
    views.sql:2:61: error: table name "ad" specified more than once
        2 | SELECT count(*) FROM event JOIN ad ON ad.id = quantity JOIN ad ON ad.id = duration
          |                                                             ^
    hint: write AS and another name behind one of them

    SELECT page, count(*) FROM event JOIN ad ON ad.id = quantity GROUP BY page
    views.sql:2:8: error: column reference "page" is ambiguous
        2 | SELECT page, count(*) FROM event JOIN ad ON ad.id = quantity GROUP BY page
          |        ^
    hint: write event.page or ad.page
    views.sql:2:71: error: column reference "page" is ambiguous
        2 | SELECT page, count(*) FROM event JOIN ad ON ad.id = quantity GROUP BY page
          |                                                                       ^
    hint: write event.page or ad.page

    SELECT count(*) FROM event e JOIN ad a ON ad.id = quantity
    views.sql:2:43: error: invalid reference to FROM-clause entry for table "ad"
        2 | SELECT count(*) FROM event e JOIN ad a ON ad.id = quantity
          |                                           ^
    hint: perhaps you meant to reference the table alias "a"

    SELECT count(*) FROM event e JOIN ad a ON a.id = quantity WHERE b.id > 1
    views.sql:2:65: error: missing FROM-clause entry for table "b"
        2 | SELECT count(*) FROM event e JOIN ad a ON a.id = quantity WHERE b.id > 1
          |                                                                 ^
    hint: the relations here are "e", "a"

    SELECT a.pagee, count(*) FROM event e JOIN ad a ON a.id = quantity GROUP BY 1
    views.sql:2:8: error: column a.pagee does not exist
        2 | SELECT a.pagee, count(*) FROM event e JOIN ad a ON a.id = quantity GROUP BY 1
          |        ^
    hint: did you mean "page"?

    SELECT camp, count(*) FROM event JOIN ad a ON a.id = quantity GROUP BY 1
    views.sql:2:8: error: column "camp" does not exist
        2 | SELECT camp, count(*) FROM event JOIN ad a ON a.id = quantity GROUP BY 1
          |        ^
    hint: the columns are: id, at, received, page, country, amount, total, quantity, duration, ratio, ok, campaign, lang, starts

    SELECT campaign, count(*) FROM event JOIN ad a ON a.id = quantity
    views.sql:2:8: error: column "a.campaign" must appear in the GROUP BY clause or be used in an aggregate function
        2 | SELECT campaign, count(*) FROM event JOIN ad a ON a.id = quantity
          |        ^

    SELECT tumble(starts, '1 day'), count(*) FROM event JOIN ad a ON a.id = quantity GROUP BY 1
    views.sql:2:15: error: tumble must be over the source's event time
        2 | SELECT tumble(starts, '1 day'), count(*) FROM event JOIN ad a ON a.id = quantity GROUP BY 1
          |               ^
    hint: its event time is the column "at"

    SELECT count(*) FROM event JOIN other.ad USING (page)
    views.sql:2:33: error: relation "other.ad" does not exist
        2 | SELECT count(*) FROM event JOIN other.ad USING (page)
          |                                 ^
    hint: the table "ad" is in the schema "dimension"

    SELECT count(*) FROM event JOIN big ON big.id = ratio
    views.sql:2:33: error: a key of type bigint would be compared as double precision, in which several keys are equal
        2 | SELECT count(*) FROM event JOIN big ON big.id = ratio
          |                                 ^
    hint: cast the event's side to bigint

    SELECT count(*) FROM event JOIN ONLY ad ON ad.id = quantity
    views.sql:2:38: error: ONLY is not supported
        2 | SELECT count(*) FROM event JOIN ONLY ad ON ad.id = quantity
          |                                      ^
    """#
