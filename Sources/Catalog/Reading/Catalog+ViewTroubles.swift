import ParallaxCore
import Postgres

/// A view version whose rows PostgreSQL refuses.
///
/// A source's views share its positions and its cut, so that such a version holds up the others, as one does that cannot be computed (see
/// docs/decisions/0013). The ways out are what PostgreSQL asks for, or definitions without the view, or with another version of it.
public struct ViewTrouble: Sendable, Hashable {
    public enum Layer: String, Sendable { case speed, batch }
    public var source: String
    public var view: String
    public var layer: Layer
    /// PostgreSQL's words.
    public var problem: String

    /// For everybody who names one.
    public static let hint = """
        nothing is lost, and both layers go on by themselves once PostgreSQL takes the rows; else take the view out of the definitions, or change it, and \
        run parallax apply, then parallax batch run
        """
}

extension ViewTrouble.Layer {
    var column: String { rawValue + "_problem" }
}

extension Catalog {
    /// In a transaction of its own: the one that was refused is gone.
    public func recordTrouble(_ version: VersionID, _ layer: ViewTrouble.Layer, _ problem: String) throws(ParallaxError) {
        // PostgreSQL's text holds no U+0000, and messages quote values.
        try connection.query(
            "UPDATE parallax.view_version SET \(layer.column) = $2 WHERE version_id = $1 AND \(layer.column) IS DISTINCT FROM $2",
            [.version(version), .text(problem.replacing("\u{0}", with: "\u{FFFD}"))])
    }

    /// The layer has written the rows of these versions.
    public func clearTroubles(of versions: [VersionID], _ layer: ViewTrouble.Layer) throws(ParallaxError) {
        try connection.query(
            """
            UPDATE parallax.view_version SET \(layer.column) = NULL WHERE version_id = ANY ($1::bigint[]) AND \(layer.column) IS NOT NULL
            """, [.versions(versions)])
    }

    /// By source and view.
    public func viewTroubles() throws(ParallaxError) -> [ViewTrouble] {
        try connection.query(
            """
            SELECT s.name, w.name, l.layer, l.problem
            FROM parallax.view_version v JOIN parallax.view w USING (view_id) JOIN parallax.source s USING (source_id),
                 LATERAL (VALUES ('speed', v.speed_problem), ('batch', v.batch_problem)) l (layer, problem)
            WHERE l.problem IS NOT NULL AND v.state_table <> '' AND (l.layer = 'speed' OR v.version_id >= coalesce(w.active_version_id, 0))
            ORDER BY s.name, w.name, v.version_id, l.layer DESC
            """
        ).rows.map { (row) throws(ParallaxError) in
            guard let layer = ViewTrouble.Layer(rawValue: try row.text(2)) else {
                throw ParallaxError(.corrupt, "a row of parallax.view_version names no layer that this binary knows")
            }
            return try ViewTrouble(source: row.text(0), view: row.text(1), layer: layer, problem: row.text(3))
        }
    }

    /// Versions whose rows were refused last.
    func refusedVersions() throws(ParallaxError) -> Set<VersionID> {
        Set(
            try connection.query(
                "SELECT version_id FROM parallax.view_version WHERE speed_problem IS NOT NULL OR batch_problem IS NOT NULL"
            )
            .versions(0))
    }
}

extension ParallaxError {
    /// PostgreSQL refused a statement for what is in it, or for what it finds there: the same one would be refused again until a person mends
    /// something. Not: 25 a transaction that had failed before, 40 others in the way, 55 and 57 locks, limits of time and persons who cancel, 58 the disk.
    public var isRefusal: Bool {
        guard code == .database, !isRetriable, let sqlState else { return false }
        return !["25", "40", "55", "57", "58"].contains(String(sqlState.prefix(2)))
    }

    /// The words that PostgreSQL refused something with.
    public var refusalWords: String { [message, detail].compactMap(\.self).joined(separator: "\n") }

    /// The same, with the view that it was about.
    public func refused(_ layer: ViewTrouble.Layer, view: String) -> ParallaxError {
        let rows = layer == .speed ? "live rows" : "rows"
        return ParallaxError(
            code, "PostgreSQL refuses the \(rows) of view \"\(view)\": \(message)", detail: detail, hint: ViewTrouble.hint,
            sqlState: sqlState)
    }
}
