import BatchWorker
import Catalog
import Foundation
import ParallaxCore
import Postgres
import ServingViews

/// What came of a person's word about a run: for the command that was given, and for the API.
struct PersonsDecision: Sendable {
    var source: String
    /// What is no failure, and what people may wonder about.
    var notes: [String] = []
}

extension Caller {
    /// Whoever gives a command.
    static var ofCommand: Caller { Caller(name: "cli:\(NSUserName())", place: ProcessInfo.processInfo.hostName) }
}

extension Pipeline {
    func publish(_ run: RunNumber, _ catalog: Catalog) throws(ParallaxError) -> PersonsDecision {
        var notes: [String] = []
        // What the last try was refused: those before it changed nothing.
        var refusals: [ServingViews.Refusal] = []
        let (source, failures) = try HeldRun(run, catalog).publish(
            settings: batchSettings,
            openLog: { source throws(ParallaxError) in try openBoundLog(source, catalog) },
            refreshServing: { connection throws(ParallaxError) in refusals = try ServingViews.refresh(connection) },
            say: { notes.append("note: \($0)") })
        // It is published: what cannot be cleaned up now is after the next run.
        notes += failures.map { "note: clean-up after the publication: \($0)" }
        // As after any run: a publication goes on without a view that PostgreSQL refuses.
        notes += refusals.map { "view \($0.view): \($0.error.message)" }
        return PersonsDecision(source: source.name, notes: notes)
    }

    func discard(_ run: RunNumber, _ catalog: Catalog) throws(ParallaxError) -> PersonsDecision {
        PersonsDecision(source: try HeldRun(run, catalog).discard().name)
    }

    func revert(to run: RunNumber, _ catalog: Catalog) throws(ParallaxError) -> PersonsDecision {
        let source = try catalog.source(named: try requireRun(catalog, run.rawValue).source)
        let earlier = try catalog.revert(source: source, to: run) { (connection) throws(ParallaxError) in
            _ = try ServingViews.refresh(connection)
        }
        var decision = PersonsDecision(source: source.name)
        if !earlier.isEmpty {
            decision.notes.append(
                "by its earlier definition: \(earlier.joined(separator: ", ")); the next run serves the one that is applied. "
                    + "To keep the earlier one, apply it again")
        }
        return decision
    }
}
