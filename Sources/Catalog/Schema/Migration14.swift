/// The schema `comparison` was made with the first tables, and nothing ever stood in it.
let migration14 = Migration(
    number: 14, name: "no empty schema for comparisons",
    sql: """
        DO $$ BEGIN
            DROP SCHEMA IF EXISTS comparison;
        EXCEPTION
            -- What somebody else has put there stays, and so does a schema that is not ours.
            WHEN dependent_objects_still_exist OR insufficient_privilege THEN NULL;
        END $$;
        """)
