/// A metric in Prometheus' sense: one name, one meaning, one unit, and its samples by label.
///
/// Units are base units (seconds, bytes, records), counters end in `_total`. Label values come from definitions and from closed sets of ours: a client makes no new
/// ones.
public struct Metric: Sendable {
    public enum Kind: String, Sendable { case counter, gauge, histogram }

    public struct Sample: Sendable {
        public var labels: [(name: String, value: String)]
        public var value: Double
        /// After the metric's name: `_bucket`, `_sum` and `_count` of a histogram.
        public var suffix: String

        public init(_ value: Double, _ labels: [(name: String, value: String)] = [], suffix: String = "") {
            self.value = value
            self.labels = labels
            self.suffix = suffix
        }
    }

    public var name: String
    public var kind: Kind
    /// What it counts or measures, in one sentence.
    public var help: String
    public var samples: [Sample]

    public init(_ name: String, _ kind: Kind, _ help: String, _ samples: [Sample]) {
        self.name = name
        self.kind = kind
        self.help = help
        self.samples = samples
    }

    public init(_ name: String, _ kind: Kind, _ help: String, _ value: Double) { self.init(name, kind, help, [Sample(value)]) }
}

/// Prometheus' text format, version 0.0.4.
public enum PrometheusText {
    public static let mediaType = "text/plain; version=0.0.4; charset=utf-8"

    /// Metrics without a sample are left out.
    public static func text(_ metrics: [Metric]) -> String {
        var output = ""
        for metric in metrics where !metric.samples.isEmpty {
            output += "# HELP \(metric.name) \(escaped(metric.help, quotes: false))\n# TYPE \(metric.name) \(metric.kind.rawValue)\n"
            for sample in metric.samples {
                output += metric.name + sample.suffix
                if !sample.labels.isEmpty {
                    output += "{" + sample.labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }.joined(separator: ",") + "}"
                }
                output += " \(number(sample.value))\n"
            }
        }
        return output
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var output = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": output += "\\\\"
            case "\n": output += "\\n"
            case "\"" where quotes: output += "\\\""
            default: output.unicodeScalars.append(character)
            }
        }
        return output
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        return Int64(exactly: value).map(String.init) ?? "\(value)"
    }
}
