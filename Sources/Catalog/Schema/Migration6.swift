/// A definition that comes back.
let migration6 = Migration(
    number: 6, name: "a definition that comes back",
    sql: """
        -- A version that leaves has no state table. It keeps its row until the change of definitions ends, and the same definition may begin anew
        -- beside it. A partial index is no key that a foreign key could name: taking the state table's name away is no change that a flush,
        -- which refers to the version, would wait for.
        ALTER TABLE parallax.view_version DROP CONSTRAINT view_version_view_id_hash_key;
        CREATE UNIQUE INDEX view_version_view_id_hash ON parallax.view_version (view_id, hash) WHERE state_table <> '';
        """)
