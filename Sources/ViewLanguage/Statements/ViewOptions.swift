import Foundation
import ParallaxCore

/// WITH (…) of a materialized view: how exact its live estimates shall be, when its runs are held, and how long its windows stay.
struct ViewOptions {
    let statement: Statement
    /// 2 to the power of this many registers; nil: `SketchPrecision.log2m`.
    private(set) var log2m: Int?
    private(set) var compression: Int?
    /// A share: 0.05 for '5%'.
    private(set) var maxDrift: Double?
    /// Microseconds, and where the option stands.
    private(set) var retention: (length: Int64, offset: Int)?

    /// Whether sketches are kept, and where the option stands.
    private(set) var keepsSketches: (isOn: Bool, offset: Int)?

    private static let names = ["distinct_error", "percentile_compression", "max_drift", "retention", "keep_sketches"]

    init(statement: Statement) { self.statement = statement }

    mutating func read(_ elements: [SyntaxNode]) throws(Refusal) {
        var seen: Set<String> = []
        for element in elements {
            guard let body = element.body(of: "DefElem"), let name = body["defname"]?.string else {
                throw Refusal(statement.offset(ofKeyword: "with"), "this option is not supported")
            }
            let offset = statement.offset(body.location)
            try body.allowFields(["defname", "arg", "defaction", "location"], in: statement)
            guard Self.names.contains(name) else {
                throw Refusal(
                    offset, "unknown option \"\(name)\"", hint: nameHint(for: name, among: Self.names, listedAs: "the options are"))
            }
            guard seen.insert(name).inserted else { throw Refusal(offset, "option \"\(name)\" provided more than once") }
            let value = Self.number(body["arg"])
            switch name {
            case "distinct_error": log2m = try log2m(value, at: offset)
            case "percentile_compression": compression = try compression(value, at: offset)
            case "max_drift": maxDrift = try maxDrift(body["arg"], at: offset)
            case "keep_sketches": keepsSketches = (try Self.truth(body["arg"], at: offset), offset)
            default: retention = (try retention(body["arg"]?.body(of: "String")?["sval"]?.string, at: offset), offset)
            }
        }
    }

    /// The fewest registers whose standard error, 1.04 / √registers, is not above it.
    private func log2m(_ error: Double?, at offset: Int) throws(Refusal) -> Int {
        guard let error, error > 0, error < 1 else {
            throw Refusal(offset, "distinct_error must be a number between 0 and 1", hint: "such as 0.01, for one percent")
        }
        for log2m in SketchPrecision.log2mRange where SketchPrecision.standardError(log2m: log2m) <= error { return log2m }
        let bytes = (1 << (SketchPrecision.log2mRange.upperBound - 1)) * 5 / 8
        throw Refusal(
            offset, "distinct_error \(error) is too small",
            hint: "the smallest is 0.0021: a sketch has \(bytes) bytes then")
    }

    private func compression(_ value: Double?, at offset: Int) throws(Refusal) -> Int {
        guard let value, let compression = Int(exactly: value), SketchPrecision.compressionRange.contains(compression) else {
            let range = SketchPrecision.compressionRange
            throw Refusal(
                offset, "percentile_compression must be a whole number from \(range.lowerBound) to \(range.upperBound - 1)",
                hint: "the default is \(SketchPrecision.compression)")
        }
        return compression
    }

    /// A percentage in a text, or a share up to 1 as a number: what a 5 without a sign would mean nobody knows.
    private func maxDrift(_ node: SyntaxNode?, at offset: Int) throws(Refusal) -> Double {
        let text = node?.body(of: "String")?["sval"]?.string
        let share =
            if let text, text.hasSuffix("%") {
                Double(text.dropLast().trimmingCharacters(in: .whitespaces)).map { $0 / 100 }
            } else {
                Self.number(node).flatMap { $0 <= 1 ? $0 : nil }
            }
        guard let share, share >= 0, share.isFinite else {
            throw Refusal(
                offset, "max_drift must be a percentage, or a number from 0 to 1",
                hint: "such as '5%', or 0.05; '0%' holds every run that differs")
        }
        return share
    }

    private func retention(_ text: String?, at offset: Int) throws(Refusal) -> Int64 {
        guard let text else { throw Refusal(offset, "retention must be an interval in quotes", hint: "such as '90 days'") }
        let length: Int64
        do { length = try IntervalText.fixedLength(text) } catch {
            throw Refusal(offset, "retention: \(error.message)", hint: error.hint ?? "write a number and a unit, such as '90 days'")
        }
        guard length > 0 else { throw Refusal(offset, "retention must be longer than nothing", hint: "such as '90 days'") }
        return length
    }

    /// What the window makes of it, once that is known.
    func retention(of window: Plan.Window?) throws(Refusal) -> Int64? {
        guard let retention else { return nil }
        guard let window else {
            throw Refusal(
                retention.offset, "retention needs a window: rows of a view without one never end",
                hint: "group by tumble(…) or another window, or leave the option out")
        }
        guard window.kind.canLeave else {
            throw Refusal(
                retention.offset, "retention is not supported with \(window.kind.functionName)(…)",
                hint: "use it with tumble, hop or date_trunc")
        }
        return retention.length
    }

    /// `keep_sketches` alone says that it is on, as PostgreSQL's own options do.
    private static func truth(_ node: SyntaxNode?, at offset: Int) throws(Refusal) -> Bool {
        guard let node else { return true }
        if let value = node.body(of: "Boolean")?["boolval"] { return value.isTrue }
        let text =
            node.body(of: "String")?["sval"]?.string
            ?? node.body(of: "TypeName")?["names"]?.children.last?.body(of: "String")?["sval"]?.string
        switch (text?.lowercased(), node.body(of: "Integer").map { $0["ival"]?.int ?? 0 }) {
        case ("true", _), ("on", _), (_, 1): return true
        case ("false", _), ("off", _), (_, 0): return false
        default: throw Refusal(offset, "keep_sketches must be true or false")
        }
    }

    /// What the window and the measures make of it. Nil where no row depends on it.
    func keepsSketches(_ window: Plan.Window?, _ measures: [Plan.Measure]) throws(Refusal) -> Bool? {
        guard let keepsSketches, keepsSketches.isOn else { return nil }
        guard window != nil else {
            throw Refusal(
                keepsSketches.offset, "keep_sketches needs a window: a view without one always keeps its sketches",
                hint: "leave the option out")
        }
        guard measures.contains(where: \.hasSketch) else {
            throw Refusal(
                keepsSketches.offset, "keep_sketches: no measure of this view has a sketch",
                hint: "leave the option out: all that the view shows can be rolled up without it")
        }
        return true
    }

    private static func number(_ node: SyntaxNode?) -> Double? {
        guard let node else { return nil }
        if let body = node.body(of: "Integer") { return Double(body["ival"]?.int ?? 0) }
        return (node.body(of: "Float")?["fval"]?.string ?? node.body(of: "String")?["sval"]?.string).flatMap { Double($0) }
    }

    func apply(to measure: Plan.Measure) -> Plan.Measure {
        var measure = measure
        switch measure.function {
        case .countDistinct: measure.precision = log2m == SketchPrecision.log2m ? nil : log2m
        case .percentileCont, .percentileDisc: measure.precision = compression == SketchPrecision.compression ? nil : compression
        default: break
        }
        return measure
    }
}
