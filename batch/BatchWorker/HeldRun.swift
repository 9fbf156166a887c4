import Catalog
import ParallaxCore
import Postgres

/// A run that waits for a person's word, because its drift or its losses are larger than a limit.
///
///     held → published   publish
///     held → discarded   discard
///
/// Blocking; one thread at a time, a thread of your own.
public struct HeldRun {
    private let number: RunNumber
    private let catalog: Catalog

    public init(_ number: RunNumber, _ catalog: Catalog) {
        self.number = number
        self.catalog = catalog
    }

    /// Publishes it as it would have been published, with all that follows a publication. Returns its source, and what of that failed: it is
    /// done again after the next run.
    ///
    /// - Parameters:
    ///   - openLog: with the numbers of the source's binding; only where the settings say that logs are trimmed.
    ///   - refreshServing: as a run's.
    ///   - say: hears what is no failure, and what people may wonder about.
    public func publish(
        settings: BatchSettings, openLog: (CatalogSource) throws(ParallaxError) -> any EventLog,
        refreshServing: (Connection) throws(ParallaxError) -> Void, say: (String) -> Void = { _ in }
    ) throws(ParallaxError) -> (source: CatalogSource, failures: [ParallaxError]) {
        var failures: [ParallaxError] = []
        let source = try catalog.publishHeld(number, refreshServing: refreshServing) { source, cut in
            withoutActuallyEscaping(say) { say in
                // The horizon of now, not that of the run: it is as good. What came between the two touches windows of slices that are kept.
                var horizon: Instant?
                do throws(ParallaxError) { horizon = try catalog.sketchHorizon(of: source) } catch { failures.append(error) }
                let steps = AfterPublication(
                    catalog: catalog, source: source, cut: cut, sketchHorizon: horizon, settings: settings, say: say)
                failures += steps.perform { () throws(ParallaxError) -> any EventLog in
                    let log = try openLog(source)
                    // No run has looked at it: what is given up must be the log that the cut was taken in.
                    try BatchWorker.check(log, of: source, catalog, place: settings.place)
                    return log
                }
            }
        }
        return (source, failures)
    }

    /// Erases what it has staged. What was published before is served on. Returns its source.
    public func discard() throws(ParallaxError) -> CatalogSource { try catalog.discardHeld(number) }
}
