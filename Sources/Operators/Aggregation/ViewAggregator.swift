import Columns
import MergeLaw
import ParallaxCore
import ViewLanguage

/// One view's groups and measures over the batches that were added: the operators that both layers run.
///
/// states(batches in any order and split) = states(all their rows at once): the same rows give the same `StateRows`, byte for byte.
/// Where windows are sessions, rows are gathered by atom (see `SessionChains`): the speed layer hands atoms over, the batch layer sessions.
/// A row for which PostgreSQL would raise an error changes nothing and comes back as a rejection.
/// Not thread-safe: one owner.
public final class ViewAggregator {
    /// Bytes that the text of all group columns of a row may have together: PostgreSQL's index entries end at 2,704.
    public static let groupKeyBytes = 2_000

    public let plan: Plan
    public let layout: StateLayout

    private let layer: StateLayout.Layer
    private let selection: RowSelection
    private let measureInputs: MeasureInputs
    /// Words a group key, window first.
    private let keyWidth: Int
    private var keyColumns: [GroupKeyColumn]
    private var table: GroupTable
    private var measures: [any MeasureState]
    /// One entry a lookup of the plan.
    private var lookups: [LookupTable]
    /// Where the sessions begin and end; nil for views of other windows.
    private var sessions: SessionBounds?

    /// - Parameters:
    ///   - layer: which states are kept (exact ones for batch, mergeable ones for speed).
    ///   - onlyWindows: where given, rows of other windows are passed over (an incremental run's touched windows).
    ///   - dimensions: the tables that the plan joins.
    public init(plan: Plan, layer: StateLayout.Layer, onlyWindows: Set<Int64>? = nil, dimensions: Dimensions = .none) {
        self.plan = plan
        self.layer = layer
        layout = StateLayout(plan, layer: layer)
        selection = RowSelection(plan, onlyWindows: onlyWindows)
        measureInputs = MeasureInputs(plan.measures)
        keyColumns = Self.keyColumns(plan)
        keyWidth = keyColumns.reduce(0) { $0 + $1.width }
        table = GroupTable(width: keyWidth)
        measures = plan.measures.map { $0.makeState(layer) }
        lookups = dimensions.lookups(of: plan)
        sessions = plan.window?.kind.sessionGap.map { SessionBounds(gap: $0) }
    }

    /// Another version of the tables that the plan joins, for the rows that are added from now on.
    public func use(_ dimensions: Dimensions) { lookups = dimensions.lookups(of: plan) }

    /// The window is a key column like the others, and the first.
    private static func keyColumns(_ plan: Plan) -> [GroupKeyColumn] {
        (plan.window == nil ? [] : [GroupKeyColumn(.timestamptz)]) + plan.groups.map { GroupKeyColumn($0.expression.type) }
    }

    /// Adds the given rows (ascending) of a batch: joins, filter, window, group, measures. Rows for which PostgreSQL would raise an error
    /// change nothing and come back as rejections.
    public func add(_ batch: EventBatch, rows: [Int32]) -> [Rejection] {
        var evaluator = Evaluator(batch)
        var tooLong = RowErrors()
        var selected = selection.select(batch, rows, lookups, &evaluator)
        var keys: [Vector] = []
        for group in plan.groups { keys.append(evaluator.evaluate(group.expression, selected.rows).spread(selected.rows.count)) }
        checkKeyLengths(keys, selected.rows, &tooLong)
        var inputs = measureInputs.evaluate(selected.rows, &evaluator)

        if !evaluator.errors.isEmpty || !tooLong.isEmpty {
            let kept = selected.rows.indices.map { Int32($0) }.filter {
                evaluator.errors.messages[selected.rows[Int($0)]] == nil && tooLong.messages[selected.rows[Int($0)]] == nil
            }
            keys = keys.map { $0.at(kept) }
            inputs.keep(kept, of: selected.rows.count)
            selected.keep(kept)
        }
        if let places = selected.places {
            keys = keys.map { $0.at(places) }
            inputs.spread(over: places, of: selected.rows.count)
            selected.rows = gather(selected.rows, places)
        }
        if let windows = selected.windows { keys.insert(windows, at: 0) }
        accumulate(keys, inputs, selected.rows, batch)
        return rejections(evaluator.errors, tooLong)
    }

    private func accumulate(_ keys: [Vector], _ inputs: MeasureInputs.Values, _ rows: [Int32], _ batch: EventBatch) {
        let rowCount = rows.count
        guard rowCount > 0 else { return }
        var words = [UInt64](repeating: 0, count: rowCount * keyWidth)
        var offset = 0
        for index in keyColumns.indices {
            keyColumns[index].pack(keys[index], into: &words, offset: offset, stride: keyWidth)
            offset += keyColumns[index].width
        }
        let groups = table.groups(of: words, rows: rowCount)
        if sessions != nil {
            guard let column = batch.columns[plan.source.eventTimeColumn], case .int64(let times) = Vector(column, rows: rows).values else {
                preconditionFailure("the batch was read without its event time")
            }
            sessions?.add(groups: groups, times: times, groupCount: table.count)
        }
        let groupsOfFilter = inputs.positions.map { gather(groups, $0) }
        for (measure, plan) in zip(measures, measureInputs.measures) {
            let mine = plan.filter.map { groupsOfFilter[$0] } ?? groups
            if let tagged = measure as? any TaggedMeasureState, let argument = plan.argument, let order = plan.order {
                let itsRows = plan.filter.map { gather(rows, inputs.positions[$0]) } ?? rows
                tagged.add(
                    groups: mine, values: inputs.vectors[argument], order: inputs.vectors[order], offsets: gather(batch.offsets, itsRows),
                    partition: batch.partition, groupCount: table.count)
                continue
            }
            measure.add(groups: mine, values: plan.argument.map { inputs.vectors[$0] }, groupCount: table.count)
        }
    }

    private func checkKeyLengths(_ keys: [Vector], _ rows: [Int32], _ errors: inout RowErrors) {
        let texts = keys.compactMap { key -> TextValues? in if case .text(let texts) = key.values { texts } else { nil } }
        guard !texts.isEmpty else { return }
        for position in rows.indices {
            let length = texts.reduce(0) { $0 + $1.length(position) }
            guard length > Self.groupKeyBytes else { continue }
            errors.add(
                rows[position], "the group columns of this row are \(length) bytes long, more than the \(Self.groupKeyBytes) of a key")
        }
    }

    private func rejections(_ errors: RowErrors, _ tooLong: RowErrors) -> [Rejection] {
        if errors.isEmpty, tooLong.isEmpty { return [] }
        var rejections = errors.messages.map { Rejection(row: Int($0.key), reason: .expression, message: $0.value) }
        for (row, message) in tooLong.messages where errors.messages[row] == nil {
            rejections.append(Rejection(row: Int(row), reason: .groupKeyTooLong, message: message))
        }
        return rejections.sorted { $0.row < $1.row }
    }

    /// The window starts of the rows that pass the filter, without adding anything: (row, window start), in row order.
    /// For sessions the starts of their atoms. For a plan without a window every window is `Int64.min`. Rows with errors are left out.
    public func admitted(_ batch: EventBatch, rows: [Int32]) -> [(row: Int32, window: Int64)] {
        var evaluator = Evaluator(batch)
        let selected = selection.select(batch, rows, lookups, &evaluator)
        guard case .int64(let starts)? = selected.windows?.values else {
            return selected.rows.lazy.filter { evaluator.errors.messages[$0] == nil }.map { (row: $0, window: .min) }
        }
        let rows = selected.places.map { gather(selected.rows, $0) } ?? selected.rows
        return zip(rows, starts).lazy.filter { evaluator.errors.messages[$0.0] == nil }.map { (row: $0.0, window: $0.1) }
    }

    public var groupCount: Int { table.count }
    /// A measure of what the states hold, for limits: bytes, approximately.
    public var approximateBytes: Int {
        keyColumns.reduce(table.approximateBytes) { $0 + $1.dictionary.approximateBytes } + measures.reduce(0) { $0 + $1.approximateBytes }
            + (sessions?.approximateBytes ?? 0)
    }

    /// All groups in key order (window, then group columns; nulls last; text bytewise), and an empty aggregator again.
    /// - Parameter sketchesForWindowsEndingAfter: batch only: windows that end at or before this instant get a null
    ///   `distinctSketch`. Nil: every row gets one.
    public func takeRows(sketchesForWindowsEndingAfter horizon: Instant? = nil) -> StateRows {
        if layer == .batch { joinAtoms() }
        let order = table.order(keyColumns)
        var values: [StateRows.Values] = []
        var offset = 0
        for column in keyColumns {
            values.append(.column(column.column(keys: table.keys, offset: offset, stride: keyWidth, order: order)))
            offset += column.width
        }
        let hasSketch = sketchMarks(values.first, order, horizon?.rawValue)
        values += sessionColumns(order)
        for measure in measures { values += measure.columns(order: order, hasSketch: hasSketch) }
        let rows = StateRows(layout: layout, count: order.count, values: values)
        keyColumns = Self.keyColumns(plan)
        table = GroupTable(width: keyWidth)
        measures = plan.measures.map { $0.makeState(layer) }
        sessions = sessions.map { SessionBounds(gap: $0.gap) }
        return rows
    }

    /// The groups that were atoms of sessions are the sessions.
    private func joinAtoms() {
        guard let bounds = sessions else { return }
        let chains = SessionChains(table, bounds)
        for measure in measures { measure.merge(chains.sessions, groupCount: chains.count) }
        sessions?.merge(chains.sessions, groupCount: chains.count)
        // No two sessions of a group begin at one time: each key is a group of its own, in the order of the chains.
        table = GroupTable(width: keyWidth)
        _ = table.groups(of: chains.keys, rows: chains.count)
    }

    private func sessionColumns(_ order: [Int32]) -> [StateRows.Values] {
        guard let sessions else { return [] }
        return (layer == .speed ? [sessions.firsts, sessions.lasts] : [sessions.lasts]).map {
            .column(Column(type: .timestamptz, storage: .int64(gather($0, order)), nulls: []))
        }
    }

    private func sketchMarks(_ windows: StateRows.Values?, _ order: [Int32], _ horizon: Int64?) -> [Bool] {
        guard layer == .batch, plan.keepsSketches != true, let horizon, let window = plan.window, case .column(let column)? = windows,
            case .int64(let starts) = column.storage
        else { return [Bool](repeating: true, count: order.count) }
        if let sessions { return order.map { sessions.end(Int($0)) > horizon } }
        // In key order: rows of one window stand together.
        var last: Int64?
        var isOpen = false
        return starts.map { start in
            if start != last {
                last = start
                isOpen = window.kind.end(of: start) > horizon
            }
            return isOpen
        }
    }
}
