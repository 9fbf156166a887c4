/// View versions whose rows PostgreSQL refuses.
let migration11 = Migration(
    number: 11, name: "refused rows",
    sql: """
        -- What PostgreSQL said when it refused the version's rows last; null: it takes them. One column a layer, each written by its own.
        ALTER TABLE parallax.view_version ADD COLUMN speed_problem text;
        ALTER TABLE parallax.view_version ADD COLUMN batch_problem text;
        """)
