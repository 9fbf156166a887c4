import Catalog
import ParallaxCore
import PrivatePostgres
import Postgres
import ServingViews
import ViewLanguage

/// What applying the definitions would do, in the words that people read before they agree.
struct ApplyPreview {
    let plan: ApplyPlan

    /// Changes that rebuild something from history, or take something away: a person agrees to them. Additions go through.
    var needsConsent: [String] {
        plan.changes.compactMap { change in
            switch change {
            case .changedSource, .changedView, .droppedView, .droppedOverlay: line(change)
            case .newSource, .newView, .unchangedView, .newOverlay, .changedOverlay, .unchangedOverlay: nil
            }
        }
    }

    var lines: [String] { plan.changes.compactMap(line) }

    private func line(_ change: ApplyPlan.Change) -> String? {
        switch change {
        case .newSource(let name): "+ source \(name)"
        case .changedSource(let name): "~ source \(name)"
        case .newView(let name): "+ view \(name)"
        case .changedView(let name, let from, let to):
            "~ view \(name)  version \(from) → \(to): recomputed by the next batch run; the old version is served until then"
        case .droppedView(let name): "- view \(name), with its rows and the views on top of it"
        case .newOverlay(let name): "+ overlay \(name)"
        case .changedOverlay(let name): "~ overlay \(name)"
        case .droppedOverlay(let name): "- overlay \(name)"
        case .unchangedView, .unchangedOverlay: nil
        }
    }
}

extension Pipeline {
    /// Brings the control tables up to date and compares. Throws `.notInstalled` where the server lacks what the views need.
    func preview(_ definitions: Definitions, _ connection: Connection) throws(ParallaxError) -> ApplyPreview {
        try PrivatePostgres.checkServer(connection, extensions: [])
        try Catalog.migrate(connection)
        return ApplyPreview(plan: try Catalog(connection).planApply(definitions))
    }

    /// One transaction. An overlay that PostgreSQL does not take fails all of it, with PostgreSQL's words.
    func apply(_ definitions: Definitions, _ connection: Connection) throws(ParallaxError) {
        let partitions = try partitionCounts(definitions.sources)
        try Catalog(connection).apply(definitions, partitions: partitions) { connection throws(ParallaxError) in
            let refusals = try ServingViews.refresh(connection)
            guard let first = refusals.first else { return }
            let all = refusals.map { "view \"\($0.overlay)\": \($0.error.message)" }.joined(separator: "\n         ")
            throw ParallaxError(
                .definition, "PostgreSQL does not take the definition of view \"\(first.overlay)\"; nothing was applied", detail: all,
                hint: first.error.hint)
        }
    }
}
