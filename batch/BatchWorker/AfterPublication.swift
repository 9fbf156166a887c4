import Catalog
import ParallaxCore

/// What follows a publication, a run's own or a person's of a held run. No answer changes by it. What fails is said, and done again after the
/// next publication.
struct AfterPublication {
    let catalog: Catalog
    let source: CatalogSource
    /// The published one.
    let cut: Cut
    /// See `Catalog.sketchHorizon`: one that was read before the publication is good for it, too. Nil: no window is closed for the speed layer.
    let sketchHorizon: Instant?
    let settings: BatchSettings
    /// What is no failure, and what people may wonder about.
    let say: (String) -> Void

    /// Each step by itself: a table that cannot be dropped must not keep the log from being trimmed. Returns what failed.
    ///
    /// - Parameter log: opens the source's log, where it is trimmed.
    func perform(log: () throws(ParallaxError) -> any EventLog) -> [ParallaxError] {
        var failures: [ParallaxError] = []
        do { try catalog.cleanUp(source: source.id, keep: settings.keptPublications) } catch { failures.append(error) }
        do { try catalog.forgetComparisons(ofSource: source.id, keep: settings.keptComparisons) } catch { failures.append(error) }
        // The server that kept them may be off by now.
        do { try catalog.pruneAnswers(olderThan: settings.answersKept) } catch { failures.append(error) }
        if let sketchHorizon {
            do { try catalog.dropStaleSketches(ofSource: source.id, horizon: sketchHorizon) } catch { failures.append(error) }
        }
        if settings.trimsLog {
            do { try trim(try log()) } catch { failures.append(error) }
        }
        return failures
    }

    /// Gives up log records that are archived, below the cut and processed; the speed layer's duplicate horizon stays, and the newest of them, which
    /// the log is known by.
    private func trim(_ log: any EventLog) throws(ParallaxError) {
        var trimmed = Cut()
        for (partition, archived, processed) in try catalog.archivedAndProcessed(source: source.id) {
            let remembered = Offset(max(0, processed.rawValue - max(1, settings.keptLogOffsets)))
            trimmed[partition] = min(archived, cut[partition], remembered)
        }
        let isTrimmed = try catalog.whileLogsMayBeTrimmed { () throws(ParallaxError) in try log.trim(below: trimmed) }
        if !isTrimmed { say("a backup is under way: the log of source \(source.name) is trimmed after the next run") }
    }
}
