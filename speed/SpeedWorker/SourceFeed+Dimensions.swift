import Catalog
import Logging
import Operators
import ParallaxCore
import ViewLanguage

/// What a feed has in memory of the tables that its views join.
struct LoadedDimensions {
    var dimensions = Dimensions.none
    var versions: [String: DimensionVersion] = [:]
    /// Why the newest version cannot be had. Meanwhile nothing is read from the log: an event that is looked up in what is known to be old, or
    /// not there, would be counted in the wrong group, or not at all.
    var problem: ParallaxError?
    /// When it may be tried again, and when the tables may be read again at all.
    var retryAt = Duration.zero
    var nextLoadAt = Duration.zero
}

/// The tables are read when views need them, and again when their generation has grown. A version serves the events that are processed
/// after it was read: at most one flush interval after the change was committed, longer only for tables that take long to read.
extension SourceFeed {
    /// The share of time that reading tables again and again may take: one part in this many.
    private static let loadShare = 10

    /// Hands the views to the state, with the tables that they join. Where those cannot be read, the feed waits (see `dimensionsAreReady`).
    func setViews() throws(ParallaxError) {
        awaitsDimensions = true
        if needsLoad { try loadDimensions() }
        guard !needsLoad else { return }
        state.setViews(definitions.views, dimensions: dimensions.dimensions)
        state.useDimensions(dimensions.dimensions)
        awaitsDimensions = false
    }

    /// False where nothing may be read from the log now. Tries again what failed, once in a while.
    func dimensionsAreReady() throws(ParallaxError) -> Bool {
        guard awaitsDimensions || dimensions.problem != nil else { return true }
        guard context.now >= dimensions.retryAt else { return false }
        try loadDimensions()
        guard dimensions.problem == nil else { return false }
        if awaitsDimensions, !state.isDirty { try setViews() } else { state.useDimensions(dimensions.dimensions) }
        return !awaitsDimensions
    }

    /// Looks whether a table has changed, and reads it again then.
    func followDimensions() throws(ParallaxError) {
        guard !demands.isEmpty, !awaitsDimensions, dimensions.problem == nil, context.now >= dimensions.nextLoadAt else { return }
        do {
            guard try Catalog(connection).dimensionVersions(demands.map(\.table)) != dimensions.versions else { return }
        } catch {
            return try cannotLoad(error)
        }
        try loadDimensions()
        if dimensions.problem == nil { state.useDimensions(dimensions.dimensions) }
    }

    private var demands: [DimensionDemand] { DimensionDemand.of(definitions.views.map(\.plan)) }

    private var needsLoad: Bool { definitions.views.contains { !dimensions.dimensions.serves($0.plan) } }

    private func loadDimensions() throws(ParallaxError) {
        let demands = demands
        let started = context.now
        do {
            // However long it takes: the heartbeat keeps the partitions.
            let (snapshot, loaded) = try context.during { () throws(ParallaxError) -> (DimensionSnapshot, Dimensions) in
                let snapshot = try Catalog(connection).readDimensions(demands, limits: context.settings.dimensionLimits)
                return (snapshot, try Dimensions(snapshot.tables, for: definitions.views.map(\.plan)))
            }
            dimensions.dimensions = loaded
            dimensions.versions = snapshot.versions
            dimensions.problem = nil
            let took = context.now - started
            dimensions.nextLoadAt = context.now + took * Self.loadShare
            guard !snapshot.tables.isEmpty else { return }
            try Catalog(connection).recordLoaded(snapshot)
            let words = snapshot.tables.map { table in
                "\(table.name): \(table.rowCount) rows, generation \(snapshot.versions[table.name]?.generation ?? 0)"
            }
            context.logger.info(
                "read the tables that views of source \(name) join",
                metadata: ["tables": "\(words.joined(separator: "; "))", "took": "\(took)"])
        } catch {
            try cannotLoad(error)
        }
    }

    /// Nothing is lost: what was read from the log is written, and the rest stays there until the table can be read.
    private func cannotLoad(_ error: ParallaxError) throws(ParallaxError) {
        guard connection.isOpen else { throw error }
        let catalog = Catalog(connection)
        // Which table, which columns, which views: where PostgreSQL's catalog says so already.
        let troubles = try catalog.dimensionTroubles(definitions.views.map { DimensionReader(view: $0.name, plan: $0.plan) })
        for trouble in troubles { try catalog.recordDimensionProblem([trouble.table], "\(trouble.error)") }
        var error = troubles.first?.error ?? error
        if troubles.isEmpty {
            // Something with the rows; the message names the table.
            let named = demands.map(\.table).filter { error.message.contains("\"\($0)\"") }
            let views = definitions.views.filter { view in (view.plan.lookups ?? []).contains { named.contains($0.table) } }
            if !views.isEmpty {
                let note = "views that join it: \(Set(views.map(\.name)).sorted().joined(separator: ", "))"
                error.detail = error.detail.map { "\($0)\n\(note)" } ?? note
            }
            try catalog.recordDimensionProblem(named.isEmpty ? demands.map(\.table) : named, "\(error)")
        }
        guard goal == .untilStopped else {
            // Somebody waits for the end, and waiting does not bring it.
            error.isRetriable = false
            throw error
        }
        // Said once, not at every attempt.
        if dimensions.problem != error {
            context.logger.error(
                "source \(name) waits: a table that its views join cannot be read", metadata: ["error": "\(error)"])
        }
        dimensions.problem = error
        dimensions.retryAt = context.now + context.settings.discoveryInterval
        context.statistics.update { $0.lastError = error }
        if state.isDirty { try flush(.interval) }
    }
}
