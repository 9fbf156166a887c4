import Catalog
import ParallaxCore
import Postgres
import ViewLanguage

/// The function of a view's roll-ups, inside the transaction that writes the view:
///
///     the function                              what happens
///     is as it should be                        nothing
///     is not there                              made
///     is somebody else's                        refused
///     keeps its columns                         replaced where it stands
///     gets others                               made anew, and with it all views that stand on it; refused where something else does
///
/// Whoever may SELECT from the view may execute it, and nobody else.
extension ViewWriter {
    static func rollUpPlace(_ view: String) -> String { "\(place(RollUpFunction.name(view)))(\(RollUpFunction.argumentTypes))" }

    func writeRollUp(of version: ViewVersion) throws(ParallaxError) {
        let view = version.viewName
        let catalog = Catalog(connection)
        guard let relation = try relation(view) else { return }
        let definition = RollUpFunction(version).definition(try columns(of: relation.id).plainTypes)
        let text = definition.columns + "\n" + definition.text
        let place = Self.rollUpPlace(view)
        func make() throws(ParallaxError) {
            try connection.execute(
                """
                CREATE OR REPLACE FUNCTION \(Self.place(RollUpFunction.name(view)))(\(RollUpFunction.arguments))
                RETURNS TABLE (\(definition.columns)) LANGUAGE sql STABLE SECURITY DEFINER
                BEGIN ATOMIC
                \(definition.text);
                END
                """)
        }
        let existing = try catalog.servingFunction(RollUpFunction.name(view), place)
        if let existing, existing.written == nil { throw Self.isTaken(existing.description) }
        if existing?.written != text {
            if let existing, existing.written?.hasPrefix(definition.columns + "\n") == false {
                let comment = try connection.query("SELECT obj_description($1::bigint::oid, 'pg_proc')", [.int(existing.id)]).rows[0][0]
                let what = "the roll-up function of view \"\(view)\" cannot take its new form"
                try makeAnew(
                    Dependents(connection, on: existing.id, .function), what, drop: "DROP FUNCTION \(place)"
                ) { () throws(ParallaxError) in
                    try make()
                    if let comment { try connection.execute("COMMENT ON FUNCTION \(place) IS \(Connection.quoteLiteral(comment))") }
                }
            } else {
                try make()
            }
            try catalog.recordServingFunction(RollUpFunction.name(view), text)
        }
        if hasOwner { try catalog.handToServingOwner(.function, place) }
        try giveRights(place, asOn: relation.id)
    }

    static func isTaken(_ description: String) -> ParallaxError {
        ParallaxError(
            .definition, "\(description) is in the place of a view's roll-up function, and is not Parallax's",
            hint: "rename or drop it: parallax psql")
    }

    /// With views of the pipeline on it that no definition asks for.
    func dropRollUp(_ view: String) throws(ParallaxError) {
        let catalog = Catalog(connection)
        let place = Self.rollUpPlace(view)
        if let existing = try catalog.servingFunction(RollUpFunction.name(view), place), existing.written != nil {
            try dropUnwanted(on: Dependents(connection, on: existing.id, .function))
            do { try connection.execute("DROP FUNCTION \(place)") } catch {
                throw Self.named(
                    error, "the roll-up function of view \"\(view)\" cannot be dropped: something of yours stands on it",
                    hint: Obstacle.hint)
            }
        }
        try catalog.forgetServingFunction(RollUpFunction.name(view))
    }

    private func giveRights(_ function: String, asOn view: Int64) throws(ParallaxError) {
        for row in try connection.query(Self.rightsSQL, [.text(function), .int(view)]).rows { try connection.execute(try row.text(0)) }
    }

    private static let rightsSQL = """
        WITH f AS (SELECT p.proowner, coalesce(p.proacl, acldefault('f', p.proowner)) AS acl FROM pg_catalog.pg_proc p WHERE p.oid = $1::regprocedure),
        reads AS (
            SELECT a.grantee FROM pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a WHERE c.oid = $2::bigint::oid AND a.privilege_type = 'SELECT'
            UNION SELECT c.relowner FROM pg_catalog.pg_class c WHERE c.oid = $2::bigint::oid
            EXCEPT SELECT proowner FROM f),
        executes AS (SELECT a.grantee FROM f, pg_catalog.aclexplode(f.acl) a EXCEPT SELECT proowner FROM f)
        SELECT format('REVOKE ALL ON FUNCTION %s FROM %s', $1, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END)
        FROM (TABLE executes EXCEPT TABLE reads) lost
        UNION ALL
        SELECT format('GRANT EXECUTE ON FUNCTION %s TO %s', $1, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END)
        FROM (TABLE reads EXCEPT TABLE executes) gained
        """
}
