import LogDecisions
import ParallaxCore

extension LogAdoption {
    var lines: [String] {
        var lines = ["~ source \(source.name) goes on with \(binding.identity)"]
        if let former { lines.append("    in the place of \(former.identity)") }
        for part in parts {
            lines.append(
                "    partition \(part.start.partition): its records from offset \(part.start.own) on (it ends at \(part.end)) continue as offsets "
                    + "\(part.start.offset) and following")
            if part.givenUp > 0 {
                lines.append(
                    "        the former log's offsets \(part.archived) up to \(part.start.offset) are not archived and are given up: in no answer after "
                        + "the next batch run, and marked")
            }
        }
        return lines
    }

    var json: JSONText {
        .object([
            ("source", .string(source.name)), ("log", .string("\(binding.identity)")), ("given_up", .int(givenUp)),
            ("adopted", .bool(!isOwn)),
            (
                "partitions",
                .array(
                    parts.map {
                        .object([
                            ("partition", .int(Int64($0.start.partition.rawValue))), ("offset", .int($0.start.offset.rawValue)),
                            ("own_offset", .int($0.start.own.rawValue)), ("given_up", .int($0.givenUp)),
                        ])
                    })
            ),
        ])
    }
}
