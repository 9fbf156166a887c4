import Catalog
import Foundation
import Hummingbird
import ParallaxCore

/// Sources, what was rejected of them, and who decided what.
struct ControlRoutes: Sendable {
    let snapshots: Snapshots

    var routes: [Route] { [sources, rejected, audit] }

    static let maxListed: Int64 = 1_000

    private var sources: Route {
        Route(
            method: .get, path: "/v1/sources", operation: "listSources", summary: "The sources, with their views", scope: .observe,
            answers: [
                .init(
                    status: 200, words: "The sources, by name.",
                    content: [
                        (
                            "application/json",
                            .object([
                                (
                                    "sources",
                                    .array(
                                        .object([
                                            ("source", .string), ("topic", .string), ("run", .integer), ("views", .array(.string)),
                                            ("events", .integer), ("late", .integer), ("duplicates", .integer), ("rejected", .integer),
                                            ("watermark", .nullable(.dateTime)),
                                        ]))
                                )
                            ])
                        )
                    ])
            ]
        ) { request in
            let grant = request.grant
            let found = try await snapshots.read(request) { catalog in
                try catalog.status().filter { grant.mayKnow($0.source.name) }.map(Self.json)
            }
            return .json(.object([("sources", .array(found))]))
        }
    }

    private static func json(_ status: SourceStatus) -> JSONText {
        func sum(_ value: (SourceStatus.Position) -> Int64) -> JSONText { .int(status.positions.reduce(0) { $0 + value($1) }) }
        return .object([
            ("source", .string(status.source.name)), ("topic", .string(status.source.definition.topic)),
            ("run", .int(status.source.published.run.rawValue)), ("views", .array(status.views.map { .string($0.name) })),
            ("events", sum(\.events)), ("late", sum(\.late)), ("duplicates", sum(\.duplicates)),
            ("rejected", .int(status.rejected.filter(\.view.isEmpty).reduce(0) { $0 + $1.count })),
            ("watermark", .optional(status.watermark?.text)),
        ])
    }

    private var rejected: Route {
        Route(
            method: .get, path: "/v1/sources/{source}/rejected", operation: "getRejected",
            summary: "Records that were rejected: how many, why, and samples",
            words: """
                Counts are exact below the published cut, and live above it. Samples say where a record is and what is wrong with it. What it says, its payload and the message \
                that quotes it, is told under the scope payloads alone: it may hold anything, also about people.
                """, scope: .observe,
            parameters: [
                .init(name: "source", place: .path, words: "A source's name."),
                .init(
                    name: "limit", schema: .whole(1...Self.maxListed), words: "Samples at most: 100 without it, \(Self.maxListed) at most."),
            ],
            answers: [
                .init(
                    status: 200, words: "Counts and samples.",
                    content: [
                        (
                            "application/json",
                            .object([
                                ("counts", .array(.object([("view", .nullable(.string)), ("reason", .string), ("count", .integer)]))),
                                ("records", .array(.map(.any))),
                            ])
                        )
                    ])
            ]
        ) { request in
            let limit = try request.integer("limit", in: 1...Self.maxListed) ?? 100
            let (name, grant) = (request.pathValue("source"), request.grant)
            let withPayloads = grant.allows(.payloads)
            let found = try await snapshots.read(request) { catalog in
                try RunRoutes.check(name, grant, catalog)
                return (try catalog.rejections(ofSource: name), try catalog.rejectedRecords(ofSource: name, limit: Int(limit)))
            }
            return .json(
                .object([
                    (
                        "counts",
                        .array(
                            found.0.map {
                                .object([
                                    ("view", $0.view.isEmpty ? .null : .string($0.view)), ("reason", .string($0.reason)),
                                    ("count", .int($0.count)),
                                ])
                            })
                    ), ("records", .array(found.1.map { Self.json($0, withPayloads: withPayloads) })),
                ]))
        }
    }

    private static func json(_ record: RejectedRecord, withPayloads: Bool) -> JSONText {
        var members: [(String, JSONText)] = [
            ("partition", .int(Int64(record.partition.rawValue))), ("offset", .int(record.offset.rawValue)),
            ("view", record.view.isEmpty ? .null : .string(record.view)), ("reason", .string(record.reason)),
            ("column", .optional(record.column)), ("position", .optional(record.position)), ("seen_at", .string(record.seenAt.text)),
        ]
        if withPayloads {
            let text = record.payloadStart.flatMap { String(validating: $0, as: UTF8.self) }
            members += [
                ("message", .string(record.message)), ("payload_start", .optional(text)),
                ("payload_start_base64", .optional(record.payloadStart.map { Data($0).base64EncodedString() })),
            ]
        }
        return .object(members)
    }

    private var audit: Route {
        Route(
            method: .get, path: "/v1/audit", operation: "getAudit", summary: "Who published, discarded, reverted, made and revoked tokens",
            words: "Through the API and through commands, the newest first.", scope: .admin,
            parameters: [
                .init(
                    name: "before", schema: .whole(1...Int64.max), words: "Those with smaller numbers: the last one's of the page before."),
                .init(name: "limit", schema: .whole(1...Self.maxListed), words: "How many; 100 without it, \(Self.maxListed) at most."),
            ],
            answers: [
                .init(
                    status: 200, words: "The entries.",
                    content: [
                        (
                            "application/json",
                            .object([
                                (
                                    "entries",
                                    .array(
                                        .object([
                                            ("number", .integer), ("at", .dateTime), ("caller", .string), ("place", .string),
                                            ("action", .choice(AuditedAction.allCases.map(\.rawValue))), ("subject", .string),
                                        ]))
                                )
                            ])
                        )
                    ])
            ]
        ) { request in
            let before = try request.integer("before", in: 1...Int64.max)
            let limit = try request.integer("limit", in: 1...Self.maxListed) ?? 100
            let entries = try await snapshots.read(request) { catalog in try catalog.auditEntries(before: before, limit: Int(limit)) }
            return .json(.object([("entries", .array(entries.map(\.json)))]))
        }
    }
}
