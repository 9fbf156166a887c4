import Catalog
import ParallaxCore
import Postgres
import ViewLanguage

/// Makes single views of `serving` what they should be, inside the caller's transaction.
///
///     the view                                  what happens
///     is as it should be                        nothing: nobody who reads it is waited for
///     is not there                              made
///     is somebody else's, or no view            refused
///     keeps all columns                         replaced where it stands; new columns come last
///     loses a column, or changes its type       made anew, and with it all views that stand on it; refused where one of them does not compile
///                                               any more, or where something else stands on it
///
/// Nothing of others is dropped but to be made again: with its owner, options, comments and grants. A refusal changes nothing.
struct ViewWriter {
    struct Wanted {
        var sql: String
        /// True for the pipeline's own views over merged rows: what they read is found in `serving` first.
        var isOverlay: Bool
        /// Of a merged view: its roll-up function stands beside it.
        var version: ViewVersion?
    }

    let connection: Connection
    let wanted: [String: Wanted]
    /// The role that merged views belong to is there. The pipeline's own views on top stay ours: they read tables of the user's.
    var hasOwner = false

    static func place(_ name: String) -> String { "serving.\(Connection.quoteIdentifier(name))" }

    /// All of them, or none.
    func write(_ names: [String]) throws(ParallaxError) {
        try connection.execute("SAVEPOINT serving_views")
        do {
            for name in names { try write(name) }
        } catch {
            _ = try? connection.execute("ROLLBACK TO SAVEPOINT serving_views; RELEASE SAVEPOINT serving_views")
            throw error
        }
        try connection.execute("RELEASE SAVEPOINT serving_views")
    }

    /// Throws what PostgreSQL says about the text, `.definition` where others are in the way, and lock trouble.
    func write(_ name: String) throws(ParallaxError) {
        guard let view = wanted[name] else { return }
        try atomically { () throws(ParallaxError) in
            try write(name, view)
            if hasOwner, !view.isOverlay { try Catalog(connection).handToServingOwner(.view, Self.place(name)) }
            if let version = view.version { try writeRollUp(of: version) } else { try dropRollUp(name) }
        }
    }

    private func write(_ name: String, _ view: Wanted) throws(ParallaxError) {
        if view.isOverlay { try connection.execute(Self.overlayPath) }
        let place = Self.place(name)
        let look = try self.look(at: view.sql)
        guard let existing = try relation(name) else {
            // The text alone first: an error's place is in it.
            try create("CREATE VIEW \(place)", view.sql)
            if view.isOverlay, let look, !look.tables.isEmpty {
                try connection.execute(
                    "CREATE OR REPLACE VIEW \(place) AS\n"
                        + ViewColumns.select(
                            look.columns.columns.map(\.name), from: view.sql, where: MergedViewSQL.hasTables(look.tables, name))
                )
            }
            try Catalog(connection).recordServingView(name)
            return
        }
        guard existing.isOurs else {
            throw ParallaxError(
                .definition, "\(existing.description) is in the place of the pipeline's view, and is not Parallax's",
                hint: "rename one of the two, or drop it: parallax psql")
        }
        var sql = view.sql
        if let look {
            let columns = look.columns
            let old = try self.columns(of: existing.id)
            let condition = view.isOverlay && !look.tables.isEmpty ? MergedViewSQL.hasTables(look.tables, name) : nil
            guard let order = columns.order(after: old) else {
                if condition != nil { sql = ViewColumns.select(columns.columns.map(\.name), from: sql, where: condition) }
                return try makeAnew(name, existing.id, as: sql, lost: columns.lost(of: old).map(\.words))
            }
            if condition != nil || order != columns.columns.map(\.name) { sql = ViewColumns.select(order, from: sql, where: condition) }
            // The text as it was looked at, where nothing was added to it.
            if try sql == view.sql ? definition(of: existing.id) == look.definition : isInPlace(existing.id, sql) { return }
        } else {
            // Only names are compared: PostgreSQL judges the types.
            let names = try connection.query("SELECT * FROM (\n\(sql)\n) q LIMIT 0").columns
            let old = try self.columns(of: existing.id).columns.map(\.name)
            if old.allSatisfy(names.contains) {
                let order = old + names.filter { !old.contains($0) }
                if order != names { sql = ViewColumns.select(order, from: sql) }
            }
        }
        do throws(ParallaxError) { try replace(existing.id, place, sql) } catch {
            guard error.sqlState == SQLState.invalidTableDefinition else { throw error }
            try makeAnew(name, existing.id, as: sql, lost: [])
        }
    }

    /// Drops a view of ours that no definition asks for, with those of our own on it that none asks for, either.
    func drop(_ name: String) throws(ParallaxError) {
        try atomically { () throws(ParallaxError) in
            try dropRollUp(name)
            if let existing = try relation(name), existing.isOurs {
                try dropUnwanted(on: Dependents(connection, on: existing.id))
                try refuseToLose(of: ViewProperties(connection, existing.id, place: Self.place(name)), "view \"\(name)\" cannot be dropped")
                try dropAlone(name)
            }
        }
    }

    /// Views of the pipeline that no definition asks for.
    func dropUnwanted(on dependents: Dependents) throws(ParallaxError) {
        for object in dependents.objects.reversed() {
            guard let own = object.view?.servingName, wanted[own] == nil, try relation(own)?.isOurs == true else { continue }
            try dropAlone(own)
        }
    }

    private func dropAlone(_ name: String) throws(ParallaxError) {
        do { try connection.execute("DROP VIEW IF EXISTS \(Self.place(name))") } catch {
            throw Self.named(error, "view \"\(name)\" cannot be dropped: something of yours stands on it", hint: Obstacle.hint)
        }
        try Catalog(connection).forgetServingView(name)
    }

    /// The views of the pipeline on it are made again by their text alone: whoever writes all of them writes them after it.
    private func makeAnew(_ name: String, _ id: Int64, as sql: String, lost: [String]) throws(ParallaxError) {
        let what = "view \"\(name)\" cannot take its new form" + (lost.isEmpty ? "" : " (\(lost.joined(separator: ", ")))")
        let place = Self.place(name)
        let properties = try ViewProperties(connection, id, place: place)
        try refuseToLose(of: properties, what)
        try makeAnew(Dependents(connection, on: id), what, drop: "DROP VIEW \(place)") { () throws(ParallaxError) in
            try connection.execute("CREATE VIEW \(place) AS\n\(sql)")
            try properties.restore(connection)
        }
    }

    /// What stands on something that is dropped and made again is made again with it.
    func makeAnew(
        _ dependents: Dependents, _ what: String, drop: String, _ make: () throws(ParallaxError) -> Void
    ) throws(ParallaxError) {
        var views: [(place: String, own: String?, description: String, properties: ViewProperties)] = []
        for object in dependents.objects {
            // Anything else is in the way of the DROP below, and PostgreSQL names it.
            guard let view = object.view else { continue }
            var own: String?
            if let name = view.servingName, try relation(name)?.isOurs == true { own = name }
            let properties = try ViewProperties(connection, view.id, place: view.place)
            try refuseToLose(of: properties, what)
            views.append((view.place, own, object.description, properties))
        }
        do {
            for view in views.reversed() { try connection.execute("DROP VIEW \(view.place)") }
            try connection.execute(drop)
        } catch { throw Self.named(error, "\(what): something of yours stands on it", hint: Obstacle.hint) }
        try make()
        for view in views {
            // A view of the pipeline that PostgreSQL does not take is in the way only where something of others stands on it.
            if let own = view.own {
                try connection.execute("SAVEPOINT own")
                do throws(ParallaxError) { try makeAgain(view.place, wanted[own], view.properties) } catch {
                    guard !error.isLockTrouble else { throw error }
                    try connection.execute("ROLLBACK TO SAVEPOINT own")
                    try Catalog(connection).forgetServingView(own)
                }
                try connection.execute("RELEASE SAVEPOINT own")
                continue
            }
            do { try makeAgain(view.place, nil, view.properties) } catch {
                throw Self.named(error, "\(what): \(view.description) does not work over it", hint: Obstacle.hint)
            }
        }
    }

    private func makeAgain(_ place: String, _ own: Wanted?, _ properties: ViewProperties) throws(ParallaxError) {
        try connection.execute(own == nil ? "SET LOCAL search_path = pg_catalog" : Self.overlayPath)
        try connection.execute("CREATE VIEW \(place) AS\n\(own?.sql ?? properties.definition)")
        try properties.restore(connection)
    }

    private func refuseToLose(of properties: ViewProperties, _ what: String) throws(ParallaxError) {
        guard !properties.lost.isEmpty else { return }
        throw ParallaxError(
            .definition, "\(what): something of yours belongs to it", detail: properties.lost.joined(separator: "\n"), hint: Obstacle.hint)
    }

    /// PostgreSQL's words under a sentence of ours; what says nothing about the views is thrown as it is.
    static func named(_ error: ParallaxError, _ message: String, hint: String) -> ParallaxError {
        guard error.code == .database, !error.isLockTrouble else { return error }
        let words = error.sqlState == SQLState.dependentObjectsStillExist ? error.detail ?? error.message : error.message
        return ParallaxError(.definition, message, detail: words, hint: hint, sqlState: error.sqlState)
    }

    /// All of it or nothing; also settings of the transaction are as before.
    private func atomically(_ body: () throws(ParallaxError) -> Void) throws(ParallaxError) {
        try connection.execute("SAVEPOINT serving_view")
        do { try body() } catch {
            // A connection that is gone has rolled back all of it.
            _ = try? connection.execute("ROLLBACK TO SAVEPOINT serving_view; RELEASE SAVEPOINT serving_view")
            throw error
        }
        try connection.execute("SET LOCAL search_path TO DEFAULT; RELEASE SAVEPOINT serving_view")
    }

    static let overlayPath = "SET LOCAL search_path = serving, \(DimensionDefinition.ownSchema), public"
}

// What is there, and what would be.
extension ViewWriter {
    func relation(_ name: String) throws(ParallaxError) -> (id: Int64, isOurs: Bool, description: String)? {
        try Catalog(connection).servingRelation(name)
    }

    /// An error's place is that in the SELECT.
    private func create(_ head: String, _ sql: String) throws(ParallaxError) {
        do { try connection.execute("\(head) AS\n\(sql)") } catch {
            var error = error
            error.position = error.position.map { $0 - head.unicodeScalars.count - " AS\n".unicodeScalars.count }
            throw error
        }
    }

    /// CREATE OR REPLACE forgets a view's options that it does not name.
    private func replace(_ id: Int64, _ place: String, _ sql: String) throws(ParallaxError) {
        let options = try connection.query(
            """
            SELECT string_agg(format('%I = %L', split_part(o, '=', 1), substr(o, strpos(o, '=') + 1)), ', ')
            FROM pg_catalog.pg_class c, unnest(c.reloptions) o WHERE c.oid = $1::bigint::oid
            """, [.int(id)]
        ).rows[0][0]
        try connection.execute("CREATE OR REPLACE VIEW \(place)\(options.map { " WITH (\($0))" } ?? "") AS\n\(sql)")
    }

    func columns(of view: Int64) throws(ParallaxError) -> ViewColumns {
        ViewColumns(
            columns: try connection.query(
                """
                SELECT a.attname, format_type(a.atttypid, a.atttypmod)
                       || CASE WHEN a.attcollation NOT IN (0, t.typcollation) THEN ' COLLATE ' || a.attcollation::regcollation ELSE '' END
                FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
                WHERE a.attrelid = $1::bigint::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
                """, [.int(view)]
            ).rows.map { row throws(ParallaxError) in .init(name: try row.text(0), type: try row.text(1)) })
    }

    /// The columns of a SELECT. Nil where the role may not make a temporary view to look at it (TEMP on the database).
    func columns(of sql: String) throws(ParallaxError) -> ViewColumns? { try look(at: sql)?.columns }

    private struct Look {
        var columns: ViewColumns
        /// The numbers of the pipeline's tables that it reads by itself.
        var tables: [DimensionID]
        /// In PostgreSQL's own words.
        var definition: String?
    }

    /// At a SELECT. Nil as above.
    private func look(at sql: String) throws(ParallaxError) -> Look? {
        try withTwin(sql) { (twin) throws(ParallaxError) in
            Look(
                columns: try columns(of: twin), tables: try Catalog(connection).ownedDimensions(readBy: twin),
                definition: try definition(of: twin))
        }
    }

    private func definition(of view: Int64) throws(ParallaxError) -> String? {
        try connection.query("SELECT pg_get_viewdef($1::bigint::oid)", [.int(view)]).rows[0][0]
    }

    /// Whether the view says the same already, in PostgreSQL's own words.
    private func isInPlace(_ view: Int64, _ sql: String) throws(ParallaxError) -> Bool {
        try withTwin(sql) { (twin) throws(ParallaxError) in
            try definition(of: view) == definition(of: twin)
        } ?? false
    }

    /// A view of the text, for a look at it: gone when the body returns. Nil where the role may not make one.
    private func withTwin<R>(_ sql: String, _ body: (Int64) throws(ParallaxError) -> R) throws(ParallaxError) -> R? {
        try connection.execute("SAVEPOINT twin")
        do { try create("CREATE TEMPORARY VIEW \"twin of a served view\"", sql) } catch {
            guard error.sqlState == SQLState.insufficientPrivilege else { throw error }
            try connection.execute("ROLLBACK TO SAVEPOINT twin; RELEASE SAVEPOINT twin")
            return nil
        }
        let twin = try connection.query("SELECT 'pg_temp.\"twin of a served view\"'::regclass::oid::bigint").rows[0].int(0)
        let result = try body(twin)
        try connection.execute("DROP VIEW pg_temp.\"twin of a served view\"; RELEASE SAVEPOINT twin")
        return result
    }
}
