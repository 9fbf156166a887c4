import Catalog
import MergeLaw
import ParallaxCore
import Postgres
import SpeedLayer

/// A source and its view versions, as one snapshot of the catalog had them.
struct TrackedDefinitions {
    let source: CatalogSource
    let fingerprint: String
    let views: [SpeedView]
    let tables: [VersionID: StateTables]

    /// Inside a transaction that sees one snapshot, or that keeps definitions from changing.
    init(_ catalog: Catalog, source id: SourceID) throws(ParallaxError) {
        fingerprint = try catalog.control(source: id).fingerprint
        guard let source = try catalog.sources().first(where: { $0.id == id }) else { throw Catalog.sourceIsGone(id) }
        self.source = source
        let versions = try catalog.versions(ofSource: id)
        // The version that is served, or else the newest, counts what its view cannot take.
        var counting: [ViewID: ViewVersion] = [:]
        for version in versions where counting[version.viewID].map({ !$0.isActive }) ?? true { counting[version.viewID] = version }
        views = versions.map { version in
            SpeedView(
                id: version.id, name: version.viewName, plan: version.plan, firstSlice: version.firstSlice,
                countsRejections: counting[version.viewID]?.id == version.id)
        }
        tables = Dictionary(uniqueKeysWithValues: versions.map { ($0.id, StateTables($0)) })
    }

    /// Outside a transaction.
    static func load(_ catalog: Catalog, source id: SourceID) throws(ParallaxError) -> TrackedDefinitions {
        try catalog.connection.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY") { () throws(ParallaxError) in
            try TrackedDefinitions(catalog, source: id)
        }
    }

    /// A version whose rows are to be complete from a slice on must have seen all that this flush brings for it.
    func check(_ flush: SpeedFlush) throws(ParallaxError) {
        guard flush.counts.records > 0 else { return }
        let gathered = Set(flush.deltas.map(\.view.id))
        if let missed = views.first(where: { $0.firstSlice <= flush.slice && !gathered.contains($0.id) }) {
            throw ParallaxError(
                .busy, "view \"\(missed.name)\" joined while records for it were being read",
                detail: "version \(missed.id) is complete from slice \(missed.firstSlice) on, the flush is of slice \(flush.slice)",
                hint: "the records are read again")
        }
    }
}
