import ParallaxCore
import Postgres
import ViewLanguage

/// A table that cannot be read as the views that join it need it.
public struct DimensionTrouble: Sendable, Hashable {
    public var table: String
    /// Those that cannot be computed because of it.
    public var views: [String]
    /// Names the table, the columns, the views, and the ways out.
    public var error: ParallaxError
}

/// What joins tables: a version of a view.
public struct DimensionReader: Sendable {
    public var view: String
    public var plan: Plan
    public init(view: String, plan: Plan) {
        self.view = view
        self.plan = plan
    }
}

/// A source's views share its positions and its cut, so that one that cannot be computed holds up the others: their rows would be of other records
/// than the frontier says (I7). The ways out are the table as it was, or definitions that do not need it. See docs/decisions/0013.
extension Catalog {
    /// As far as it shows without reading the rows; no statement fails. One entry a table, in the order of their names.
    public func dimensionTroubles(_ readers: [DimensionReader]) throws(ParallaxError) -> [DimensionTrouble] {
        let demands = DimensionDemand.of(readers.map(\.plan))
        guard !demands.isEmpty else { return [] }
        var shapes: [String: Shape] = [:]
        for row in try connection.query(
            """
            SELECT d.name, \(Self.isWatched("d")), format('%I.%I', d.schema_name, d.name),
                   (SELECT json_agg(a.attname) FROM pg_catalog.pg_attribute a
                    WHERE a.attrelid = t.id AND a.attnum > 0 AND NOT a.attisdropped),
                   (SELECT json_agg(a.attname) FROM pg_catalog.pg_attribute a
                    WHERE a.attrelid = t.id AND a.attnum > 0 AND NOT a.attisdropped AND NOT has_column_privilege(t.id, a.attnum, 'SELECT'))
            FROM parallax.dimension d, LATERAL (SELECT to_regclass(format('%I.%I', d.schema_name, d.name))::oid AS id) t
            WHERE d.name = ANY ($1::text[])
            """, [.texts(demands.map(\.table))]
        ).rows {
            shapes[try row.text(0)] = try Shape(
                isWatched: row.bool(1), place: row.text(2),
                columns: Set(row[3].map { text throws(ParallaxError) in try decodeStored([String].self, text) } ?? []),
                closed: Set(row[4].map { text throws(ParallaxError) in try decodeStored([String].self, text) } ?? []))
        }
        var troubles: [DimensionTrouble] = []
        for demand in demands {
            if let trouble = Self.trouble(with: shapes[demand.table], demand, readers) { troubles.append(trouble) }
        }
        return troubles
    }

    /// The versions that a run computes: all of them, but for those that cannot be computed because of a table, or whose rows PostgreSQL refused last,
    /// where a newer version takes their place with this run's publication anyway. Throws what keeps any other from being computed; one that was
    /// refused and is not replaced is tried again.
    public func computable(_ versions: [ViewVersion]) throws(ParallaxError) -> [ViewVersion] {
        var broken: [VersionID: ParallaxError] = [:]
        for version in versions where version.plan.lookups != nil {
            broken[version.id] = try dimensionTroubles([DimensionReader(view: version.viewName, plan: version.plan)]).first?.error
        }
        for version in versions {
            guard let error = broken[version.id] else { continue }
            let isReplaced = versions.contains {
                $0.viewID == version.viewID && $0.id > version.id && !$0.isHeld && broken[$0.id] == nil
            }
            if !isReplaced { throw error }
        }
        let refused = try refusedVersions()
        return versions.filter { version in
            guard broken[version.id] == nil else { return false }
            return !refused.contains(version.id)
                || !versions.contains {
                    $0.viewID == version.viewID && $0.id > version.id && !$0.isHeld && broken[$0.id] == nil && !refused.contains($0.id)
                }
        }
    }

    private struct Shape {
        var isWatched: Bool
        /// Quoted, with its schema.
        var place: String
        var columns: Set<String>
        /// Columns that this role may not read.
        var closed: Set<String>
    }

    private static func trouble(with shape: Shape?, _ demand: DimensionDemand, _ readers: [DimensionReader]) -> DimensionTrouble? {
        let name = "table \"\(demand.table)\""
        func views(reading columns: Set<String>?) -> [String] {
            let reading = readers.filter { reader in
                (reader.plan.lookups ?? []).contains { lookup in
                    lookup.table == demand.table && (columns.map { names in lookup.columns.contains { names.contains($0.name) } } ?? true)
                }
            }
            return Set(reading.map(\.view)).sorted()
        }
        func words(_ views: [String]) -> String {
            views.count == 1 ? "view \"\(views[0])\" reads" : "views \(views.map { "\"\($0)\"" }.joined(separator: ", ")) read"
        }
        func trouble(_ problem: (String) -> String, columns: Set<String>? = nil, hint: String) -> DimensionTrouble {
            let views = views(reading: columns)
            return DimensionTrouble(
                table: demand.table, views: views,
                error: ParallaxError(.definition, problem(words(views)), hint: hint, isRetriable: true))
        }
        guard let shape else {
            return trouble({ "\(name), which \($0), is not in the catalog any more" }, hint: "run parallax apply")
        }
        guard shape.isWatched else {
            return trouble(
                { "\(name), which \($0), was dropped, made anew, or lost its trigger \(dimensionTrigger): its changes would not be seen" },
                hint: "put it back, and run parallax apply")
        }
        let wanted = Set(demand.columns.map(\.name))
        let missing = wanted.subtracting(shape.columns)
        func list(_ columns: Set<String>) -> String {
            "column\(columns.count == 1 ? "" : "s") " + columns.sorted().map { "\"\($0)\"" }.joined(separator: ", ")
        }
        if !missing.isEmpty {
            return trouble(
                { "\(name) has no \(list(missing)), which \($0)" }, columns: missing,
                hint: "put back what is missing (ALTER TABLE \(shape.place) …); or apply definitions that do without it, and run the batch "
                    + "layer: it publishes the new versions in the place of those that are served")
        }
        let closed = wanted.intersection(shape.closed)
        guard !closed.isEmpty else { return nil }
        return trouble(
            { "\(list(closed)) of \(name), which \($0), may not be read" }, columns: closed,
            hint: "GRANT SELECT ON \(shape.place) TO the pipeline's role")
    }
}
