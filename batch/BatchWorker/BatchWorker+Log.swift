import Catalog
import ParallaxCore

/// A run believes no boundary, no position and no cut before it has seen that the log is the one that they were taken in.
extension BatchWorker {
    /// Before a slice is asked for. Throws `.anotherLog`; the archive compares its own end with the log when it is brought forward.
    func checkLog(_ catalog: Catalog, _ source: CatalogSource) throws(ParallaxError) {
        try Self.check(log, of: source, catalog, place: settings.place)
    }

    static func check(_ log: any EventLog, of source: CatalogSource, _ catalog: Catalog, place: String) throws(ParallaxError) {
        _ = try catalog.bind(source: source.id, named: source.name, to: try log.identity(), place: place)
        try checkBinding(of: log, catalog, source)
        let here = Set(try log.partitions())
        let known = try catalog.logKnowledge(source: source.id).filter { here.contains($0.partition) && $0.position > .zero }
        let bounds = try log.bounds(of: known.map(\.partition))
        for partition in known {
            guard let bounds = bounds[partition.partition] else { continue }
            try LogCheck.check(log, source: source.name, partition, bounds: bounds)
        }
    }

    /// The log was opened with the numbers of a binding; another may have been adopted since.
    func checkBinding(_ catalog: Catalog, _ source: CatalogSource) throws(ParallaxError) {
        try Self.checkBinding(of: log, catalog, source)
    }

    private static func checkBinding(of log: any EventLog, _ catalog: Catalog, _ source: CatalogSource) throws(ParallaxError) {
        guard let known = try catalog.binding(source: source.id) else { throw Catalog.sourceIsGone(source.id) }
        guard known.binding.number == (log as? BoundLog)?.binding.number ?? 0 else {
            throw ParallaxError(
                .busy, "source \"\(source.name)\" adopted another log while the run began", hint: "run the batch layer again")
        }
    }
}
