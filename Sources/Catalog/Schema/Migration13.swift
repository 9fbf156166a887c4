/// What a publication that is kept served, where a later one serves another version.
let migration13 = Migration(
    number: 13, name: "versions that a revert brings back",
    sql: """
        ALTER TABLE parallax.view_version ADD COLUMN served_until bigint;
        COMMENT ON COLUMN parallax.view_version.served_until IS
            'The first run whose publication serves a later version instead. Until no earlier publication is kept, this one is fed on, for a revert.';
        """)
