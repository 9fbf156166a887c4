import Catalog
import Explanation
import ParallaxCore
import ServingViews
import ViewLanguage

extension ExplainedRow {
    /// Payloads longer than this are cut in a table; --json has them whole.
    private static let shownPayload = 100

    /// For people: the row by layers, where it comes from, and a page of its events.
    func text(_ events: ExplainedEvents, next: String?) -> String {
        var text = "view \(version.viewName), version \(version.hash)\n\n" + layers.text() + "\n"
        for (name, words) in facts(events) { text += "  \(name)\(String(repeating: " ", count: max(1, 12 - name.count)))\(words)\n" }
        text += "\ndefinition\n" + version.selectText.split(separator: "\n").map { "  \($0)\n" }.joined() + "\n"
        guard !events.page.isEmpty else { return text + "no events\n" }
        text += table(events.page).text()
        if let next { text += "\nmore: --after \(next)\n" }
        return text
    }

    private var layers: Table {
        func shown(_ rows: [Values], _ index: Int) -> String { rows.map { $0.values[index] ?? "null" }.joined(separator: " | ") }
        var table = Table(("column", .left), ("row", .left), ("published", .left), ("live", .left))
        for (index, output) in version.plan.outputs.enumerated() {
            table.rows.append([output.name, shown([merged], index), shown(batch, index), shown(live, index)])
        }
        table.rows.append(["is_exact", merged.isExact ? "true" : "false", "", ""])
        table.rows.append(["is_closed", merged.isClosed ? "true" : "false", "", ""])
        return table
    }

    private func facts(_ events: ExplainedEvents) -> [(String, String)] {
        var facts: [(String, String)] = []
        if frontier.run == .none {
            facts.append(("published", "nothing yet: all of the row is live"))
        } else {
            let cut = frontier.parts.map { "\($0.partition): \(grouped($0.cut?.rawValue ?? 0))" }.joined(separator: ", ")
            facts.append(("published", "by run \(frontier.run)" + (frontier.publishedAt.map { ", \($0.text)" } ?? "")))
            facts.append(("cut", "offsets below it, by partition: \(cut)"))
        }
        let live = slices.filter { slicesOfRow.contains($0.slice) && !$0.offsets.isEmpty }.map {
            "slice \($0.slice) of partition \($0.partition), offsets \(grouped($0.offsets.lowerBound.rawValue)) to \(grouped($0.offsets.upperBound.rawValue))"
        }
        facts.append(("live", live.isEmpty ? "nothing" : live.joined(separator: "; ")))
        let share = events.liveShare.map { ", \(Int(($0 * 100).rounded())) % of them live" } ?? ""
        facts.append(
            (
                "events",
                "\(grouped(events.count(.batch))) published and \(grouped(events.count(.live))) live make the row\(share)"
            ))
        let leftOut = [
            (ExplainedEvent.Fate.copy, "copies of counted ones"), (.late, "late, for the next run"),
            (.waiting, "waiting for a run to be published"),
            (.refused, "refused by the view"), (.liveOrLate, "live or late: the log does not say which"),
        ].filter { events.count($0.0) > 0 }.map { "\(grouped(events.count($0.0))) \($0.1)" }
        facts.append(("left out", leftOut.isEmpty ? "nothing" : leftOut.joined(separator: "; ")))
        facts.append(("drift", driftText))
        if let comparedText { facts.append(("this row", comparedText)) }
        let reading = events.reading
        facts.append(
            (
                "read",
                "\(counted(reading.records, "record")): \(counted(reading.rowGroups, "row group")) of \(counted(reading.segments, "segment"))"
                    + " (\(reading.rowGroupsPassedOver) and \(reading.segmentsPassedOver) passed over), \(grouped(reading.logRecords)) of the log"
            ))
        return facts
    }

    /// What the run found of it.
    private var comparedText: String? {
        guard let compared else { return nil }
        guard compared.isDifferent else { return "the live row was exact before run \(frontier.run)" }
        let records = [(compared.late, "late"), (compared.duplicates, "counted twice"), (compared.healed, "healed")].filter { $0.0 > 0 }
            .map { "\(counted($0.0, "record")) \($0.1)" }
        let causes = compared.causes.compactMap { DriftCause.Kind(rawValue: $0)?.words }.joined(separator: ", ")
        return "the live row was off before run \(frontier.run), because of \(causes)"
            + (records.isEmpty ? "" : ": " + records.joined(separator: ", "))
            + " (parallax compare shows both)"
    }

    private var driftText: String {
        guard !drift.isEmpty else { return "the run compared nothing of this view" }
        let different = drift.filter(\.isDifferent)
        let groups = drift.map(\.groups).max() ?? 0
        guard !different.isEmpty else { return "none in the \(counted(groups, "row")) of the view that the run compared" }
        let byCount = Dictionary(grouping: different) { $0.differing + $0.onlyMerged + $0.onlyBatch }.sorted { $0.key > $1.key }
        return "of the \(counted(groups, "row")) of the view that the run compared, "
            + byCount.map { "\(grouped($0.key)) differed in \($0.value.map(\.output).joined(separator: ", "))" }.joined(separator: "; ")
    }

    private func table(_ events: [ExplainedEvent]) -> Table {
        var table = Table(
            ("partition", .right), ("offset", .right), ("appended", .left), ("event time", .left), ("fate", .left), ("payload", .left))
        for event in events {
            let payload = event.payload.map { String(decoding: $0, as: UTF8.self) } ?? ""
            let shown = payload.count > Self.shownPayload ? payload.prefix(Self.shownPayload) + "…" : payload[...]
            table.rows.append([
                "\(event.place.partition)", "\(event.place.offset)", event.appendedAt.text, event.eventTime.text,
                event.fate.rawValue.replacing("_", with: " ") + (event.message.map { ": \($0)" } ?? ""), String(shown),
            ])
        }
        return table
    }

    /// What the events do not say, or the row lacks.
    func notes(_ events: ExplainedEvents) -> [String] {
        var notes: [String] = []
        if let stopped = events.stopped {
            let why =
                switch stopped {
                case .records: "after \(counted(events.reading.records, "record")) (--max-records)"
                case .time: "when the time was over"
                case .cancelled: "as it was asked to"
                }
            let place = events.stoppedAt.map { ", at offset \($0.offset) of partition \($0.partition)" } ?? ""
            notes.append("the search stopped \(why)\(place): there may be more events behind the row")
        }
        if !events.knowsLate {
            notes.append(
                "\(counted(late.values.reduce(0, +), "event")) came too late for the live rows, and the log does not say which: those that may be are marked"
            )
        }
        if waitingRecords > 0 {
            notes.append(
                "\(counted(waitingRecords, "record")) of source \(frontier.name) \(waitingRecords == 1 ? "is" : "are") in no answer until a batch run is published"
            )
        }
        if !gaps.isEmpty {
            let offsets = gaps.reduce(0) { $0 + ($1.offsets.upperBound - $1.offsets.lowerBound) }
            notes.append(
                "\(counted(offsets, "offset")) of source \(frontier.name) \(offsets == 1 ? "was" : "were") lost and given up: events of the row may be among them"
            )
        }
        if !events.changedTables.isEmpty {
            notes.append(
                "\(events.changedTables.joined(separator: ", ")) changed since run \(frontier.run): the events were looked up in the table of now"
            )
        }
        return notes
    }
}
