import Columns
import Foundation
import ParallaxCore
import Postgres
import ViewLanguage

/// What PostgreSQL says about a table that the definitions name.
struct ActualTable {
    struct Column {
        var name: String
        /// As format_type writes it.
        var type: String
        var isNotNull: Bool
        var isDeterministic: Bool
    }
    var kind: String
    var hasChildren: Bool
    var columns: [Column]
    /// Names of the columns of each unique index that covers all rows.
    var keys: [Set<String>]
}

/// A table of the pipeline that another one takes the place of: under a name that nobody uses, until it is dropped.
struct DimensionSetAside {
    var name: String
    /// Quoted, with its schema.
    var place: String
}

extension Catalog {
    /// What the definitions' tables need done. Reads only. Throws `.definition` with everything that does not fit.
    func tableChanges(_ all: Definitions) throws(ParallaxError) -> [ApplyPlan.Change] {
        let definitions = all.dimensions
        var changes: [ApplyPlan.Change] = []
        var problems: [String] = []
        let known = try dimensions()
        for dimension in definitions {
            var old = known.first { $0.name == dimension.name }
            if let other = old, Self.place(other.definition) != Self.place(dimension) || other.definition.isOwned != dimension.isOwned {
                changes.append(try leaving(other))
                old = nil
            }
            guard let table = try actualTable(dimension) else {
                changes.append(.init(.new, .table, dimension.name))
                continue
            }
            if dimension.isOwned, old?.definition.isOwned != true {
                problems.append(
                    "\(Self.place(dimension)) exists, and is not the pipeline's: name it by CREATE TABLE IF NOT EXISTS "
                        + "\(dimension.schema).\(dimension.name) to use it as it is")
                continue
            }
            let found = try check(dimension, table)
            if !found.isEmpty {
                let views = all.views.filter { view in (view.plan.lookups ?? []).contains { $0.table == dimension.name } }.map(\.name)
                problems += found + (views.isEmpty ? [] : ["(\(Self.place(dimension)) is joined by \(views.joined(separator: ", ")))"])
            }
            let added = dimension.columns.map(\.name).filter { name in !table.columns.contains { $0.name == name } }
            guard let old, !old.isLeaving else {
                changes.append(.init(.new, .table, dimension.name))
                continue
            }
            var change = ApplyPlan.Change(added.isEmpty && old.definition == dimension ? .unchanged : .changed, .table, dimension.name)
            if change.action == .changed { change.diff = LineDiff(from: old.definition.lines, to: dimension.lines) }
            changes.append(change)
        }
        guard problems.isEmpty else {
            throw ParallaxError(
                .definition, "a table of the pipeline is not as the definitions declare it; nothing was applied",
                detail: problems.joined(separator: "\n         "),
                hint: "change the declaration, or the table: parallax psql, and ALTER TABLE …")
        }
        for old in known where !old.isLeaving && !definitions.contains(where: { $0.name == old.name }) { changes.append(try leaving(old)) }
        return changes
    }

    private func leaving(_ dimension: CatalogDimension) throws(ParallaxError) -> ApplyPlan.Change {
        var change = ApplyPlan.Change(.dropped, .table, dimension.name)
        guard dimension.definition.isOwned else { return change }
        let isThere = try actualTable(dimension.definition) != nil
        change.rows = isThere ? try connection.query("SELECT count(*) FROM \(Self.place(dimension.definition))").rows[0].int(0) : 0
        return change
    }

    private func actualTable(_ dimension: DimensionDefinition) throws(ParallaxError) -> ActualTable? {
        let found = try connection.query(
            """
            SELECT c.oid::bigint, c.relkind, c.relhassubclass FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = $1 AND c.relname = $2
            """, [.text(dimension.schema), .text(dimension.name)]
        ).rows
        guard let table = found.first else { return nil }
        let id = try table.int(0)
        let columns = try connection.query(
            """
            SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, coalesce(l.collisdeterministic, true)
            FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
            WHERE a.attrelid = $1::bigint::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
            """, [.int(id)])
        let keys = try connection.query(
            """
            SELECT (SELECT json_agg(a.attname) FROM generate_series(0, i.indnkeyatts - 1) p
                    JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[p])
            FROM pg_catalog.pg_index i WHERE i.indrelid = $1::bigint::oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
            AND i.indexprs IS NULL
            """, [.int(id)])
        var sets: [Set<String>] = []
        for row in keys.rows { sets.append(Set(try decodeStored([String].self, row.text(0)))) }
        return try ActualTable(
            kind: table.text(1), hasChildren: table.bool(2),
            columns: columns.rows.map { row throws(ParallaxError) in
                .init(name: try row.text(0), type: try row.text(1), isNotNull: try row.bool(2), isDeterministic: try row.bool(3))
            }, keys: sets)
    }

    /// What of a table is not as declared, one sentence each.
    private func check(_ dimension: DimensionDefinition, _ table: ActualTable) throws(ParallaxError) -> [String] {
        let name = Self.place(dimension)
        guard table.kind == "r", !table.hasChildren else {
            return [
                "\(name) is not an ordinary table by itself (a view, a partitioned or an inherited table): its changes could not be seen"
            ]
        }
        var problems: [String] = []
        for column in dimension.columns {
            guard let actual = table.columns.first(where: { $0.name == column.name }) else {
                if !dimension.isOwned {
                    problems.append("\(name) has no column \"\(column.name)\"; it has \(table.columns.map(\.name).joined(separator: ", "))")
                } else if column.isNotNull {
                    problems.append(
                        "column \"\(column.name)\" of \(name) is new and NOT NULL: a column that a table gains must be nullable")
                }
                continue
            }
            let declared = try formattedType(column.type)
            let isText = column.type == .text && actual.type.hasPrefix("character varying")
            if actual.type != declared, dimension.isOwned || !isText {
                problems.append("column \"\(column.name)\" of \(name) is of type \(actual.type), declared as \(declared)")
            }
            if !actual.isDeterministic { problems.append("column \"\(column.name)\" of \(name) has a collation that is not deterministic") }
            if dimension.isOwned, column.isNotNull != actual.isNotNull {
                problems.append("column \"\(column.name)\" of \(name) is \(actual.isNotNull ? "NOT NULL" : "nullable"), declared otherwise")
            }
        }
        for key in dimension.keys {
            let names = Set(key.map { dimension.columns[$0].name })
            guard !table.keys.contains(where: { !$0.isEmpty && $0.isSubset(of: names) }) else { continue }
            problems.append("\(name) has no unique index on (\(key.map { dimension.columns[$0].name }.joined(separator: ", ")))")
        }
        return problems
    }

    /// As format_type writes a type: PostgreSQL's own name of it, and the modifiers as they are.
    private func formattedType(_ type: ScalarType) throws(ParallaxError) -> String {
        if case .array(let element) = type { return try formattedType(element) + "[]" }
        let written = type.sqlName
        let base = try connection.query("SELECT pg_typeof(NULL::\(written))::text").rows[0].text(0)
        return base + written.drop { $0 != "(" }
    }

    /// Step 3 of the lock order: a trigger waits for the transactions that write the table. Returns the table that was used until now, where it is
    /// another one: to be dropped when nothing stands on it any more.
    func applyDimension(_ dimension: DimensionDefinition) throws(ParallaxError) -> DimensionSetAside? {
        let place = Self.place(dimension)
        var old = try dimensions().first { $0.name == dimension.name }
        var setAside: DimensionSetAside?
        if let other = old, Self.place(other.definition) != place || other.definition.isOwned != dimension.isOwned {
            setAside = try self.setAside(other)
            old = nil
        }
        if let table = try actualTable(dimension) {
            for column in dimension.columns where dimension.isOwned && !table.columns.contains(where: { $0.name == column.name }) {
                try connection.execute("ALTER TABLE \(place) ADD COLUMN \(Self.column(column))")
            }
        } else {
            if !dimension.isOwned { try connection.execute("CREATE SCHEMA IF NOT EXISTS \(Connection.quoteIdentifier(dimension.schema))") }
            try connection.execute(Self.createStatement(dimension))
        }
        // As it is, it is left alone: a worker that has just read the table writes to this row.
        if let old, old.definition == dimension, !old.isLeaving, old.isWatched { return setAside }
        let id =
            try connection.query(
                """
                INSERT INTO parallax.dimension (name, definition, schema_name, is_owned) VALUES ($1, $2::jsonb, $3, $4)
                ON CONFLICT (name) DO UPDATE SET definition = excluded.definition, is_leaving = false RETURNING dimension_id
                """,
                [.text(dimension.name), .text(try encodeStored(dimension)), .text(dimension.schema), .bool(dimension.isOwned)]
            ).rows[0].dimension(0)
        guard try dimensions().first(where: { $0.name == dimension.name })?.isWatched == false else { return setAside }
        try connection.execute(
            """
            CREATE OR REPLACE TRIGGER \(Self.dimensionTrigger) AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON \(place)
            FOR EACH STATEMENT EXECUTE FUNCTION parallax.note_dimension_change('\(id)');
            ALTER TABLE \(place) ENABLE ALWAYS TRIGGER \(Self.dimensionTrigger);
            """)
        // What happened to the table while nobody watched it counts as a change.
        try connection.query("UPDATE parallax.dimension SET changes = changes + 1 WHERE dimension_id = $1", [.dimension(id)])
        return setAside
    }

    private func forget(_ dimension: CatalogDimension) throws(ParallaxError) {
        try connection.query("DELETE FROM parallax.dimension WHERE dimension_id = $1", [.dimension(dimension.version.id)])
    }

    /// Its name is free from now on, for the table that takes its place and for what the pipeline's views read by that name.
    private func setAside(_ dimension: CatalogDimension) throws(ParallaxError) -> DimensionSetAside? {
        try forget(dimension)
        let place = Self.place(dimension.definition)
        guard try actualTable(dimension.definition) != nil else { return nil }
        guard dimension.definition.isOwned else {
            try connection.execute("DROP TRIGGER IF EXISTS \(Self.dimensionTrigger) ON \(place)")
            return nil
        }
        let name = Connection.quoteIdentifier("leaving \(dimension.version.id)")
        try connection.execute("ALTER TABLE \(place) RENAME TO \(name)")
        return DimensionSetAside(name: dimension.name, place: "\(Connection.quoteIdentifier(dimension.definition.schema)).\(name)")
    }

    func drop(_ table: DimensionSetAside) throws(ParallaxError) {
        do { try connection.execute("DROP TABLE \(table.place)") } catch {
            guard error.sqlState == SQLState.dependentObjectsStillExist else { throw error }
            throw ParallaxError(
                .definition, "table \"\(table.name)\" cannot be dropped: something of yours stands on it; nothing was applied",
                detail: error.detail, hint: "drop that first: parallax psql", sqlState: error.sqlState)
        }
    }

    /// Tables that no definition names: those that a version still reads (the one that is served until the next run is published) stay as
    /// long.
    func dropDimensions(except names: [String]) throws(ParallaxError) {
        try connection.query("UPDATE parallax.dimension SET is_leaving = true WHERE name <> ALL ($1::text[])", [.texts(names)])
        for dimension in try unreadLeavingDimensions() { try drop(dimension) }
    }

    /// When a publication has let versions go. A transaction for each table: one that something of the user's depends on stays, and is tried again after the
    /// next publication; the first such error is thrown at the end.
    func dropLeavingDimensions() throws(ParallaxError) {
        var first: ParallaxError?
        for dimension in try unreadLeavingDimensions() {
            do {
                try quick.changing("table \"\(dimension.name)\" stays for now") { () throws(ParallaxError) in try drop(dimension) }
            } catch {
                guard error.code != .cancelled else { throw error }
                first = first ?? error
            }
        }
        if let first { throw first }
    }

    private func unreadLeavingDimensions() throws(ParallaxError) -> [CatalogDimension] {
        let leaving = try dimensions().filter(\.isLeaving)
        guard !leaving.isEmpty else { return [] }
        var read: Set<String> = []
        for source in try sources() {
            read.formUnion(DimensionDemand.of(try versions(ofSource: source.id).map(\.plan)).map(\.table))
        }
        return leaving.filter { !read.contains($0.name) }
    }

    private func drop(_ dimension: CatalogDimension) throws(ParallaxError) {
        let place = Self.place(dimension.definition)
        if try actualTable(dimension.definition) != nil {
            try connection.execute(
                dimension.definition.isOwned ? "DROP TABLE \(place)" : "DROP TRIGGER IF EXISTS \(Self.dimensionTrigger) ON \(place)")
        }
        try forget(dimension)
    }

    private static func column(_ column: DimensionDefinition.Column) -> String {
        // Text compares bytewise, as in views.
        var isText = false
        switch column.type {
        case .text, .varchar, .char: isText = true
        default: break
        }
        let collation = isText ? " COLLATE \"C\"" : ""
        return "\(Connection.quoteIdentifier(column.name)) \(column.type.sqlName)\(collation)\(column.isNotNull ? " NOT NULL" : "")"
    }

    private static func createStatement(_ dimension: DimensionDefinition) -> String {
        func list(_ key: [Int]) -> String { key.map { Connection.quoteIdentifier(dimension.columns[$0].name) }.joined(separator: ", ") }
        var parts = dimension.columns.map(column)
        if let key = dimension.primaryKey { parts.append("PRIMARY KEY (\(list(key)))") }
        for key in dimension.uniqueKeys { parts.append("UNIQUE (\(list(key)))") }
        return "CREATE TABLE \(place(dimension)) (\(parts.joined(separator: ", ")))"
    }
}

extension DimensionDefinition {
    /// What it says, a line a column and a line a key, for people who compare it with another.
    fileprivate var lines: [String] {
        func names(_ key: [Int]) -> String { key.map { columns[$0].name }.joined(separator: ", ") }
        return columns.map { "\($0.name) \($0.type.sqlName)\($0.isNotNull ? " NOT NULL" : "")" }
            + (primaryKey.map { ["PRIMARY KEY (\(names($0)))"] } ?? []) + uniqueKeys.map { "UNIQUE (\(names($0)))" }
    }
}
