import Catalog
import MergeLaw
import ParallaxCore
import Postgres
import ViewLanguage

/// `serving.<view>_rollup(bucket, groups, from, until, outputs, zone)`: roll-ups for whoever speaks SQL.
///
/// Its text is static: what the arguments leave out is null by CASE, and what is null is not computed. The range's bounds are compared with the tables' columns
/// as they are, so that both layers' indexes are used whatever the arguments.
///
/// It runs with the rights of its owner, as a view does (a function that ran with its caller's could not read the states): its text is parsed when it is
/// made, so no search path reaches into it, and whoever may SELECT from the view may execute it, and nobody else (`ViewWriter.writeRollUp`).
struct RollUpFunction {
    let version: ViewVersion
    private let base: MergedViewSQL
    private var plan: Plan { version.plan }

    init(_ version: ViewVersion) {
        self.version = version
        base = MergedViewSQL(version)
    }

    static func name(_ view: String) -> String { ViewDefinition.rollUpName(of: view) }
    static let argumentTypes = "interval, text[], timestamptz, timestamptz, text[], text"

    /// Places of the arguments.
    private enum Argument {
        static let bucket = "$1"
        static let groups = "$2"
        static let from = "$3"
        static let until = "$4"
        static let outputs = "$5"
        static let zone = "$6"
    }

    /// What follows the function's name and arguments: RETURNS TABLE and the body.
    ///
    /// - Parameter types: of the view's columns, as PostgreSQL finds them; nil where the view is not there.
    func definition(_ types: [String: String]) -> (columns: String, text: String) {
        let text = text
        var list: [(sql: String, name: String, type: String)] = []
        for (index, output) in plan.outputs.enumerated() {
            let type = types[output.name] ?? plan.sqlType(of: output)
            list.append((text.value(of: index), output.name, type))
        }
        list += [(text.isExact, "is_exact", "boolean"), (text.isClosed, "is_closed", "boolean")]
        var taken = Set(list.map(\.name))
        for (index, output) in plan.outputs.enumerated() {
            guard let error = text.error(of: index) else { continue }
            var name = "\(output.name)_error"
            while !taken.insert(name).inserted { name += "_" }
            list.append((error, name, "double precision"))
        }
        let columns = list.map { "\(Connection.quoteIdentifier($0.name)) \($0.type)" }.joined(separator: ", ")
        let values = list.map { "(\($0.sql))::\($0.type)" }.joined(separator: ",\n       ")
        return (columns, "SELECT \(values)\n\(text.source)")
    }

    /// Arguments, and what they are when they are left out. Names are those of `RollUp`.
    static let arguments = """
        bucket interval DEFAULT NULL, groups text[] DEFAULT NULL, "from" timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, \
        outputs text[] DEFAULT NULL, zone text DEFAULT NULL
        """

    private var text: RollUpText {
        let names = RollUpStatement.groupNames(plan)
        var text = RollUpText(
            base: base, windows: .none,
            groups: names.map { .when("(\(Argument.groups) IS NULL OR \(Connection.quoteLiteral($0)) = ANY (\(Argument.groups)))") },
            outputs: plan.outputs.map {
                .when("(\(Argument.outputs) IS NULL OR \(Connection.quoteLiteral($0.name)) = ANY (\(Argument.outputs)))")
            })
        text.checks = [known(Argument.groups, names, "group column"), known(Argument.outputs, plan.outputs.map(\.name), "column")]
        guard let kind = plan.window?.kind else {
            let refused = RollUpText.refused(
                view: version.viewName, "it has no windows that a bucket or a range could mean",
                hint: "leave bucket, zone, from and until out")
            let isLeftOut = [Argument.bucket, Argument.zone, Argument.from, Argument.until].map { "\($0) IS NULL" }.joined(
                separator: " AND ")
            text.checks.append("(SELECT CASE WHEN \(isLeftOut) THEN true ELSE \(refused) END)")
            return text
        }
        text.from = "coalesce(\(Argument.from), '-infinity'::timestamptz)"
        text.until = "coalesce(\(Argument.until), 'infinity'::timestamptz)"
        let fit = BucketFit(view: version.viewName, kind: kind)
        // Each is computed once a statement.
        let ownZone = fit.zoneOfWindows.map(Connection.quoteLiteral)
        let unit =
            "(SELECT parallax.bucket_unit(\(Argument.bucket), \(ownZone.map { "coalesce(\(Argument.zone), \($0))" } ?? Argument.zone)))"
        let length = "(SELECT (extract(epoch FROM \(Argument.bucket)) * 1000000)::bigint)"
        let zone = "coalesce(\(Argument.zone), \(ownZone ?? "'UTC'"))"
        let check = fit.check(bucket: Argument.bucket, zone: Argument.zone, unit: unit, length: length)
        text.checks.append("(SELECT \(check))")
        if kind.sessionGap != nil {
            text.windows = .sessions
            return text
        }
        let bucket = Argument.bucket
        text.windows = .buckets(
            start: { start in
                let ofLength = fit.steps.map { "ELSE \(WindowSQL.bin(start, length: length, origin: $0.origin)) " } ?? ""
                return """
                    CASE WHEN \(bucket) IS NULL THEN \(start) WHEN \(length) = 0 THEN NULL \
                    WHEN \(unit) IS NOT NULL THEN \(fit.calendarStart(start, unit: unit, zone: zone)) \(ofLength)END
                    """
            },
            end: { start in
                """
                CASE WHEN \(bucket) IS NULL THEN \(WindowSQL.end(kind, start: start)) WHEN \(length) = 0 THEN NULL \
                WHEN \(unit) IS NOT NULL THEN (\(start) AT TIME ZONE \(zone) + \(bucket)) AT TIME ZONE \(zone) \
                ELSE \(start) + \(length) * interval '1 microsecond' END
                """
            }, areShown: .when("(\(bucket) IS NULL OR \(length) <> 0)"))
        text.isCounted = { start in
            fit.isCounted(start).map { "(\(bucket) IS NULL OR \($0))" } ?? "true"
        }
        return text
    }

    /// A condition, or an error that names what is none.
    private func known(_ argument: String, _ names: [String], _ what: String) -> String {
        let list = "ARRAY[\(names.map(Connection.quoteLiteral).joined(separator: ", "))]::text[]"
        let words = names.isEmpty ? "it has none" : "they are: \(names.joined(separator: ", "))"
        let refused = RollUpText.refused(view: version.viewName, "a name is none of its \(what)s", hint: words)
        return "(SELECT CASE WHEN \(argument) IS NULL OR \(argument) <@ \(list) THEN true ELSE \(refused) END)"
    }
}
