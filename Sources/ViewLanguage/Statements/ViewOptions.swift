import Foundation

/// WITH (…) of a materialized view: how exact its live estimates shall be.
struct ViewOptions {
    let statement: Statement
    /// 2 to the power of this many registers; nil: `SketchPrecision.log2m`.
    private(set) var log2m: Int?
    private(set) var compression: Int?

    private static let names = ["distinct_error", "percentile_compression"]
    /// Known, and not there yet: refused by name, so that nobody believes in them.
    private static let planned: Set<String> = ["max_drift", "retention"]

    init(statement: Statement) { self.statement = statement }

    mutating func read(_ elements: [SyntaxNode]) throws(Refusal) {
        var seen: Set<String> = []
        for element in elements {
            guard let body = element.body(of: "DefElem"), let name = body["defname"]?.string else {
                throw Refusal(statement.offset(ofKeyword: "with"), "this option is not supported")
            }
            let offset = statement.offset(body.location)
            try body.allowFields(["defname", "arg", "defaction", "location"], in: statement)
            if Self.planned.contains(name) { throw Refusal(offset, "option \"\(name)\" is not supported yet") }
            guard Self.names.contains(name) else {
                throw Refusal(
                    offset, "unknown option \"\(name)\"", hint: nameHint(for: name, among: Self.names, listedAs: "the options are"))
            }
            guard seen.insert(name).inserted else { throw Refusal(offset, "option \"\(name)\" provided more than once") }
            let value = Self.number(body["arg"])
            if name == "distinct_error" {
                log2m = try log2m(value, at: offset)
            } else {
                compression = try compression(value, at: offset)
            }
        }
    }

    /// The fewest registers whose standard error, 1.04 / √registers, is not above it.
    private func log2m(_ error: Double?, at offset: Int) throws(Refusal) -> Int {
        guard let error, error > 0, error < 1 else {
            throw Refusal(offset, "distinct_error must be a number between 0 and 1", hint: "such as 0.01, for one percent")
        }
        for log2m in SketchPrecision.log2mRange where 1.04 / Double(1 << log2m).squareRoot() <= error { return log2m }
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
