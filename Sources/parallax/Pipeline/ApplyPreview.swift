import Archive
import Catalog
import Foundation
import ParallaxCore
import Postgres
import ServingViews
import ViewLanguage

/// What a run would compute anew for a definition: all that the source's archive and log hold.
struct History {
    var archivedRecords = 0
    var archivedBytes = 0
    /// Offsets of the log that are not archived yet.
    var waiting: Int64 = 0

    var isEmpty: Bool { archivedRecords == 0 && waiting == 0 }

    var text: String {
        let more = waiting > 0 ? ", and \(grouped(waiting)) in the log" : ""
        return "\(counted(archivedRecords, "archived record")) (\(byteCount(archivedBytes)))\(more)"
    }

    var json: JSONText {
        .object([
            ("archived_records", .int(Int64(archivedRecords))), ("archived_bytes", .int(Int64(archivedBytes))), ("waiting", .int(waiting)),
        ])
    }
}

/// What applying the definitions would do, in the words that people read before they agree.
struct ApplyPreview {
    let plan: ApplyPlan
    /// By source.
    let histories: [String: History]
    /// By source whose form changes. An error is what kept the archive from being read.
    var forecasts: [String: Result<RejectionForecast, ParallaxError>] = [:]
    /// By dropped source: what stays of it on disk or with the brokers, and how it goes, a line each.
    var kept: [String: [String]] = [:]
    /// By source whose topic changes: what becomes of the former topic's records, a line each.
    var moved: [String: [String]] = [:]
    /// New versions of served views will wait for `parallax promote`.
    var holds = false
    /// What others built on views that change, as far as it is in the way.
    var obstacles: [Obstacle] = []

    var needsConsent: [String] { plan.changes.filter(\.needsConsent).map(headline) }

    /// A line a change and, below it, what changes. Unchanged views are named, too: who changes a source wants to see that they are.
    var lines: [String] {
        plan.changes.filter { $0.action != .unchanged || ($0.kind == .view && !plan.isEmpty) }.flatMap { change in
            [headline(change)] + details(change).map { "    \($0)" }
        } + plan.troubles.map(line) + obstacles.map { "! \(words($0))\n    HINT:  \($0.hint)" }
    }

    /// Those that an apply cannot pass by: a version that is held is in nobody's way before it is promoted.
    var refusing: [Obstacle] { obstacles.filter { !(holds && $0.isOfVersion) } }

    func words(_ obstacle: Obstacle) -> String {
        let when = obstacle.isOfVersion ? ", when its new version is served" : ""
        return "view \(obstacle.view): \(obstacle.change)\(when), and something of yours stands on it\n    "
            + obstacle.objects.joined(separator: "\n    ")
    }

    /// Live rows wait because of it; what ends that.
    private func line(_ trouble: DimensionTrouble) -> String {
        let going = Set(plan.changes.filter { $0.kind == .view && [.changed, .dropped].contains($0.action) }.map(\.name))
        let isMended = trouble.views.allSatisfy(going.contains)
        let end = isMended ? "the next batch run publishes these definitions without it" : "HINT:  \(trouble.error.hint ?? "")"
        return "! \(trouble.error.message): live rows wait\n    \(end)"
    }

    private func headline(_ change: ApplyPlan.Change) -> String {
        let sign =
            switch change.action {
            case .new: "+"
            case .changed: "~"
            case .dropped: "-"
            case .unchanged: "="
            }
        var line = "\(sign) \(change.kind.rawValue) \(change.name)"
        if change.action == .dropped, change.kind == .source { line += ", with its views, positions, runs and publications" }
        if change.action == .dropped, change.kind == .view { line += ", with its rows and the views on top of it" }
        if change.action == .dropped, change.kind == .table {
            line += change.rows.map { ", with its \(counted($0, "row"))" } ?? ": it is yours, stays as it is, and is not read any more"
        }
        if change.action == .unchanged { line += ", unchanged" }
        if change.action == .changed, let from = change.from, let to = change.to, from != to { line += "  version \(from) → \(to)" }
        return line
    }

    private func details(_ change: ApplyPlan.Change) -> [String] {
        if change.action == .dropped, change.kind == .source { return kept[change.name] ?? [] }
        guard change.action == .new || change.action == .changed else { return [] }
        if let moved = moved[change.name], change.kind == .source { return moved + textDetails(change) }
        return textDetails(change)
    }

    private func textDetails(_ change: ApplyPlan.Change) -> [String] {
        var lines = (change.diff.map { $0.isEmpty ? [] : $0.lines.map(\.shown) }) ?? []
        if change.isUnreadable {
            lines.append(
                "what is applied was stored by another version of parallax and cannot be read"
                    + (change.kind == .source
                        ? ""
                        : change.isServedUnreadable
                            ? ": the view is built anew, and not served before the next batch run has published it"
                            : ": the view is built anew"))
        } else if change.action == .changed, change.kind == .view, change.from != change.to, lines.isEmpty {
            lines.append("its text is the same: what it reads of its source has changed")
        }
        if change.isStepBack { lines.append("the version that is served already; the one that waits is given up") }
        if let source = change.recomputes, let history = histories[source] {
            switch (change.action, change.kind) {
            case (_, .source):
                lines.append("the next batch run computes all of its views again, under the same versions: \(history.text)")
                switch forecasts[source] {
                case .success(let forecast)?: lines += [forecast.text].compactMap(\.self)
                case .failure(let error)?: lines.append("how many of them would be rejected is not known: \(error.message)")
                case nil: break
                }
            case (.new, _) where history.isEmpty: break
            case (.new, _): lines.append("computed from history by the next batch run: \(history.text)")
            case _ where change.isServedUnreadable: lines.append("computed from history by the next batch run: \(history.text)")
            default:
                lines.append(
                    "computed from history by the next batch run: \(history.text); the old version is served until "
                        + (holds ? "parallax promote \(change.name)" : "then"))
            }
        } else if change.kind == .view, change.from == change.to {
            lines.append("nothing is computed again")
        }
        return lines
    }

    var obstaclesJSON: JSONText {
        .array(
            obstacles.map { obstacle in
                .object([
                    ("view", .string(obstacle.view)), ("change", .string(obstacle.change)),
                    ("objects", .array(obstacle.objects.map { .string($0) })),
                ])
            })
    }

    var json: JSONText {
        .array(
            plan.changes.map { change in
                .object([
                    ("action", .string(change.action.rawValue)), ("kind", .string(change.kind.rawValue)), ("name", .string(change.name)),
                    ("needs_consent", .bool(change.needsConsent)), ("from", .optional(change.from)), ("to", .optional(change.to)),
                    ("diff", .array((change.diff?.isEmpty == false ? change.diff?.lines ?? [] : []).map { .string($0.shown) })),
                    ("recomputes", change.recomputes.flatMap { histories[$0]?.json } ?? .null),
                    ("forecast", change.kind == .source ? (try? forecasts[change.name]?.get())?.json ?? .null : .null),
                    ("unreadable", .bool(change.isUnreadable)),
                    (
                        "kept",
                        .array((change.kind == .source && change.action == .dropped ? kept[change.name] ?? [] : []).map { .string($0) })
                    ),
                ])
            })
    }
}

extension Pipeline {
    /// Brings the control tables up to date and compares. Throws `.notInstalled` where the server lacks what the views need.
    func preview(_ definitions: Definitions, _ connection: Connection, holds: Bool = false) throws(ParallaxError) -> ApplyPreview {
        try checkServer(connection)
        try Catalog.migrate(connection)
        try Catalog.grantReaders(connection)
        let catalog = Catalog(connection)
        let plan = try catalog.planApply(definitions)
        var histories: [String: History] = [:]
        for name in Set(plan.changes.compactMap(\.recomputes)) {
            guard let source = definitions.sources.first(where: { $0.name == name }) else { continue }
            histories[name] = try history(of: source, catalog)
        }
        var forecasts: [String: Result<RejectionForecast, ParallaxError>] = [:]
        for change in plan.changes where change.kind == .source && change.action == .changed && change.recomputes != nil {
            guard let source = definitions.sources.first(where: { $0.name == change.name }) else { continue }
            do {
                let reader = try ArchiveReader(directory: archiveFolder, source: source)
                forecasts[source.name] = .success(try RejectionForecast(of: source, in: reader))
            } catch { forecasts[source.name] = .failure(error) }
        }
        var kept: [String: [String]] = [:]
        for change in plan.changes where change.kind == .source && change.action == .dropped {
            kept[change.name] = try remains(of: change, among: definitions.sources)
        }
        var moved: [String: [String]] = [:]
        for change in plan.changes where change.kind == .source && change.action == .changed {
            guard let source = definitions.sources.first(where: { $0.name == change.name }) else { continue }
            moved[change.name] = try move(of: source, catalog)
        }
        return ApplyPreview(
            plan: plan, histories: histories, forecasts: forecasts, kept: kept, moved: moved, holds: holds,
            obstacles: try ServingViews.obstacles(connection, plan))
    }

    /// What to say of a source whose topic changes. Records of the former topic that are not archived are lost: people hear that before they
    /// agree, and how to keep them.
    private func move(of source: SourceDefinition, _ catalog: Catalog) throws(ParallaxError) -> [String]? {
        guard let applied = try catalog.sources().first(where: { $0.name == source.name }),
            let former = try catalog.binding(source: applied.id)?.binding.identity.topic, former != source.topic
        else { return nil }
        var ends = try catalog.logEnds(ofSource: source.name)
        if let log = try? openLogForLooking(applied.definition), let binding = try catalog.binding(source: applied.id)?.binding {
            let numbered = binding.bound(log)
            if let bounds = try? numbered.bounds(of: numbered.partitions()) {
                ends.merge(bounds.mapValues(\.upperBound), uniquingKeysWith: max)
            }
        }
        let archived = try ArchiveReader(directory: archiveFolder, source: applied.definition).archived()
        let open = ends.reduce(Int64(0)) { $0 + max(0, $1.value - archived[$1.key]) }
        var lines = [
            "its records come from topic \(source.topic) from now on, behind all that was read of topic \(former); what is archived stays"
        ]
        if open > 0 {
            lines.append(
                "\(counted(open, "offset")) of topic \(former) \(open == 1 ? "is" : "are") not archived yet and would be given up, and marked in "
                    + "answers")
            lines.append("to keep them, archive them before you apply: \(Pipeline.program) archive --until-caught-up\(pipelineFlag)")
        }
        return lines
    }

    /// What a dropped source leaves: raw events are nobody's to throw away but a person's. With them the source can come back.
    private func remains(of change: ApplyPlan.Change, among sources: [SourceDefinition]) throws(ParallaxError) -> [String] {
        var lines: [String] = []
        var folders: [String] = []
        let topic = change.source?.topic ?? change.name
        let isShared = sources.contains { $0.topic == topic }
        switch logKind {
        case .kafka: lines.append("its topic \(topic) stays as it is")
        case .embedded:
            let folder = "\(logFolder)/\(topic)"
            if !isShared, FileManager.default.fileExists(atPath: folder) {
                lines.append("its log stays: \(folder)")
                folders.append(folder)
            }
        }
        let archive = "\(archiveFolder)/\(change.name)"
        if FileManager.default.fileExists(atPath: archive) {
            lines.append("its archive stays: \(archive)")
            folders.append(archive)
        }
        if !folders.isEmpty {
            lines.append(
                "they are read again where the source comes back; to remove them, when this is applied: rm -r "
                    + folders.map(shellQuoted).joined(separator: " "))
        }
        return lines
    }

    /// By the archive's manifests and the catalog's positions: the log is not asked.
    private func history(of source: SourceDefinition, _ catalog: Catalog) throws(ParallaxError) -> History {
        var history = History()
        let archive = try ArchiveReader(directory: archiveFolder, source: source)
        let archived = try archive.archived()
        for segment in try archive.segments(below: archived) {
            history.archivedRecords += segment.records
            history.archivedBytes += segment.bytes
        }
        for (partition, end) in try catalog.logEnds(ofSource: source.name) { history.waiting += max(0, end - archived[partition]) }
        return history
    }
}
