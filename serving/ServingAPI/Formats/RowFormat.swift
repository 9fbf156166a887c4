import ParallaxCore

/// How rows are written.
enum RowFormat: String, Sendable, CaseIterable {
    case json, ndjson, csv, parquet

    var mediaType: String {
        switch self {
        case .json: "application/json"
        case .ndjson: "application/x-ndjson"
        case .csv: "text/csv; charset=utf-8; header=present"
        case .parquet: "application/vnd.apache.parquet"
        }
    }

    /// Other names that programs ask by.
    private var names: [String] {
        switch self {
        case .json: ["application/json"]
        case .ndjson: ["application/x-ndjson", "application/jsonl", "application/ndjson"]
        case .csv: ["text/csv"]
        case .parquet: ["application/vnd.apache.parquet", "application/x-parquet"]
        }
    }

    /// The best for an `Accept` header; nil where none of ours is in it. Of equal ones the earlier here wins, so that `*/*` is JSON.
    static func accepted(_ header: String?) -> RowFormat? {
        guard let header, !header.isEmpty else { return .json }
        let ranges = header.split(separator: ",").compactMap(MediaRange.init)
        if ranges.isEmpty { return .json }
        var best: (format: RowFormat, quality: Double)?
        for format in allCases {
            // The most specific range that fits says how much a format is wanted.
            let fitting = format.names.flatMap { name in ranges.filter { $0.fits(name) } }
            guard let range = fitting.max(by: { $0.specificity < $1.specificity }), range.quality > 0 else { continue }
            if range.quality > best?.quality ?? 0 { best = (format, range.quality) }
        }
        return best?.format
    }

    private struct MediaRange {
        var type: Substring
        var subtype: Substring
        var quality = 1.0

        init?(_ text: Substring) {
            let parts = text.split(separator: ";").map { $0.trimmed }
            guard let name = parts.first else { return nil }
            let halves = name.split(separator: "/", maxSplits: 1)
            guard halves.count == 2 else { return nil }
            (type, subtype) = (halves[0], halves[1])
            for part in parts.dropFirst() where part.lowercased().hasPrefix("q=") { quality = Double(part.dropFirst(2)) ?? 0 }
        }

        var specificity: Int { (type == "*" ? 0 : 1) + (subtype == "*" ? 0 : 1) }

        func fits(_ name: String) -> Bool {
            let halves = name.split(separator: "/", maxSplits: 1)
            return (type == "*" || type.lowercased() == halves[0]) && (subtype == "*" || subtype.lowercased() == halves[1])
        }
    }
}

extension Substring {
    var trimmed: Substring {
        var text = self
        while text.first == " " || text.first == "\t" { text.removeFirst() }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return text
    }
}
