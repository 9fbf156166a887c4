import MergeLaw
import ParallaxCore
import Postgres
import ViewLanguage

/// View versions whose rows PostgreSQL refuses, and the values of percentiles.
let migration11 = Migration(
    number: 11, name: "refused rows, values of percentiles",
    sql: """
        -- What PostgreSQL said when it refused the version's rows last; null: it takes them. One column a layer, each written by its own.
        ALTER TABLE parallax.view_version ADD COLUMN speed_problem text;
        ALTER TABLE parallax.view_version ADD COLUMN batch_problem text;

        -- All values of several states. array_cat passes over nulls.
        CREATE AGGREGATE parallax.concatenated (anycompatiblearray) (SFUNC = array_cat, STYPE = anycompatiblearray);
        """,
    then: { connection throws(ParallaxError) in
        // Rows from before have digests only, and stay estimates until a run replaces them.
        let catalog = Catalog(connection)
        for row in try connection.query("SELECT plan, state_table FROM parallax.view_version WHERE state_table <> '' ORDER BY version_id")
            .rows
        {
            // A plan that cannot be read is built anew by the next apply.
            guard let plan = try? catalog.decodeStored(Plan.self, row.text(0)) else { continue }
            let tables = StateTables(plan: plan, stateTable: try row.text(1))
            for (table, layout) in [(tables.speedTable, tables.speed), (tables.batchTable, tables.batch)] {
                for column in layout.states where column.isSketch && column.name.hasSuffix("_v") {
                    try connection.execute("ALTER TABLE IF EXISTS \(table) ADD COLUMN IF NOT EXISTS \(column.name) \(column.sqlType)")
                }
            }
        }
    })
