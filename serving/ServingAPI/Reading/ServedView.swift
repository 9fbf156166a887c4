import Catalog
import ParallaxCore
import Postgres
import ServingViews
import Synchronization
import ViewLanguage

/// What the API knows of a view in `serving`. It stays true for as long as the stamp does.
struct ServedView: Sendable {
    struct Column: Sendable, Hashable {
        enum Role: String, Sendable {
            /// The window's start or end.
            case window
            case group
            case measure
            /// `is_exact` and `is_closed`.
            case flag
            /// Of a view on top: whatever its SELECT says.
            case expression
        }
        var name: String
        var type: String
        var typeID: UInt32
        var role: Role
        /// Why a value may be an estimate, and how far off it may be; nil: it never is.
        var bound: ErrorBound?

        var encoded: EncodedColumn { EncodedColumn(name: name, type: type, kind: ValueKind(typeID: typeID)) }
    }

    var name: String
    var stamp: ServedStamp
    var columns: [Column]
    var sources: [SourceID]
    /// Of a merged view.
    var version: ViewVersion?
    /// Of a view on top: the merged views that it reads.
    var reads: [String]
    var definition: String
    /// What tells a row from all others; nil: nothing that is known.
    var key: [String]?
    /// What `from` and `to` are about.
    var timeColumn: String?

    func column(_ name: String) -> Column? { columns.first { $0.name == name } }
}

/// How far from the truth an estimate may be.
enum ErrorBound: Sendable, Hashable {
    /// Of a distinct count, in the part that is live.
    case relativeStandardError(Double)
    /// Of a percentile: the ranks between which the value lies, by the number of centroids.
    case rank(compression: Int)

    var json: JSONText {
        switch self {
        case .relativeStandardError(let error):
            .object([("kind", .string("relative_standard_error")), ("value", .optional(error))])
        case .rank(let compression):
            .object([
                ("kind", .string("rank")), ("compression", .int(Int64(compression))),
                (
                    "words",
                    .string(
                        "the value lies between those at the ranks q ± (3π·ln(n)·q(1−q)/\(compression) + 1/n), q being the fraction and n the number of values"
                    )
                ),
            ])
        }
    }

    init?(_ measure: Plan.Measure) {
        switch measure.function {
        case .countDistinct, .sumDistinct, .avgDistinct:
            guard measure.function == .countDistinct else { return nil }
            self = .relativeStandardError((SketchPrecision.standardError(log2m: measure.precision) * 1e6).rounded() / 1e6)
        case .percentileCont, .percentileDisc: self = .rank(compression: measure.precision ?? SketchPrecision.compression)
        default: return nil
        }
    }
}

/// The views that were asked for, kept by their stamps.
final class ServedViews: Sendable {
    /// Texts and plans of so many views are kept. A pipeline has tens.
    static let maxCount = 1_000
    private let known = Mutex<[ServedStamp: ServedView]>([:])

    /// Nil where nothing of that name is served. In the caller's snapshot.
    func view(_ name: String, _ catalog: Catalog, until deadline: ContinuousClock.Instant) throws(ParallaxError) -> ServedView? {
        guard let found = try catalog.servedStamps(named: name, until: deadline).first else { return nil }
        return try view(found.name, found.stamp, catalog, until: deadline)
    }

    /// The view that a request's path names.
    func view(of request: APIRequest, _ catalog: Catalog, until deadline: ContinuousClock.Instant) throws -> ServedView {
        let name = request.pathValue("view")
        if let view = try view(name, catalog, until: deadline) { return view }
        throw Problem.noView(name, among: try catalog.servedStamps(until: deadline).map(\.name).filter(request.grant.mayRead))
    }

    func all(_ catalog: Catalog, until deadline: ContinuousClock.Instant) throws(ParallaxError) -> [ServedView] {
        var views: [ServedView] = []
        for (name, stamp) in try catalog.servedStamps(until: deadline) { views.append(try view(name, stamp, catalog, until: deadline)) }
        return views
    }

    private func view(
        _ name: String, _ stamp: ServedStamp, _ catalog: Catalog, until deadline: ContinuousClock.Instant
    ) throws(ParallaxError) -> ServedView {
        if let view = known.withLock({ $0[stamp] }) { return view }
        let columns = try catalog.servedColumns(stamp, until: deadline)
        let view =
            if let id = stamp.version, let version = try catalog.version(id, until: deadline) {
                ServedView(name: name, stamp: stamp, merged: version, columns)
            } else {
                try overlay(name, stamp, columns, catalog, until: deadline)
            }
        known.withLock { known in
            if known.count >= Self.maxCount { known = [:] }
            known[stamp] = view
        }
        return view
    }

    private func overlay(
        _ name: String, _ stamp: ServedStamp, _ columns: [ServedColumn], _ catalog: Catalog, until deadline: ContinuousClock.Instant
    ) throws(ParallaxError) -> ServedView {
        let reads = try catalog.mergedViews(readBy: stamp, until: deadline)
        let times: Set<UInt32> = [TypeID.timestamptz, TypeID.timestamp]
        return ServedView(
            name: name, stamp: stamp,
            columns: columns.map { .init(name: $0.name, type: $0.type, typeID: $0.typeID, role: .expression, bound: nil) },
            sources: Set(reads.map(\.source)).sorted(), version: nil, reads: reads.map(\.name),
            definition: try catalog.overlayText(name, until: deadline) ?? "",
            key: nil, timeColumn: columns.first { times.contains($0.typeID) }?.name)
    }
}

extension ServedView {
    init(name: String, stamp: ServedStamp, merged version: ViewVersion, _ columns: [ServedColumn]) {
        let plan = version.plan
        let outputs = Dictionary(plan.outputs.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        self.init(
            name: name, stamp: stamp,
            columns: columns.map { column in
                guard let output = outputs[column.name] else {
                    return Column(name: column.name, type: column.type, typeID: column.typeID, role: .flag, bound: nil)
                }
                let role: Column.Role =
                    switch output.value {
                    case .window, .windowEnd: .window
                    case .group: .group
                    case .measure, .finished: .measure
                    }
                let bound = output.measures.sorted().lazy.compactMap { ErrorBound(plan.measures[$0]) }.first
                return Column(name: column.name, type: column.type, typeID: column.typeID, role: role, bound: bound)
            },
            sources: [version.sourceID], version: version, reads: [], definition: version.selectText, key: plan.rowKey,
            timeColumn: plan.outputs.first { $0.value == .window }?.name ?? plan.outputs.first { $0.value == .windowEnd }?.name)
    }

    /// Which columns may hold estimates, with their bounds.
    var approximate: JSONText {
        .array(columns.compactMap { column in column.bound.map { .object([("column", .string(column.name)), ("bound", $0.json)]) } })
    }
}

extension Plan {
    /// The columns that tell a row from all others; nil where the view does not show all of them.
    var rowKey: [String]? {
        var names: [String] = []
        if window != nil {
            guard let output = outputs.first(where: { $0.value == .window }) ?? outputs.first(where: { $0.value == .windowEnd }) else {
                return nil
            }
            names.append(output.name)
        }
        for index in groups.indices {
            guard let output = outputs.first(where: { $0.value == .group(index) }) else { return nil }
            names.append(output.name)
        }
        return names
    }
}
