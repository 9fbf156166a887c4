import Columns

/// The columns in which a plan's results live between the layers: the same names in `batch.*`, `speed.*`, the operators'
/// output and the generated SQL. Order: window_start (where there is a window), g0…gN, the bounds of sessions, then each measure's states.
public struct StateLayout: Hashable, Sendable {
    public enum Role: Hashable, Sendable {
        case window
        /// Index into plan.groups.
        case group(Int)
        /// Sessions: the least and the greatest event time. Never null. The batch layer has the first in `window_start`; the speed layer's
        /// rows are atoms, whose `window_start` is that of a tumbling window. Merged by LEAST and GREATEST.
        case sessionFirst
        case sessionLast
        /// Rows (count, and avg's divisor). bigint, never null. Merged by +.
        case count(measure: Int)
        /// Exact sum as numeric, also for double precision (a double is a decimal fraction, so its sum has an exact
        /// decimal form: adding is then associative, and one cast at the end rounds once). Null where no value was. Merged by +.
        case sum(measure: Int)
        /// Exact sum of one of the three parts of intervals, as numeric: each may leave an interval's range on the way. Null where no value was.
        /// Merged by +.
        case sumOfPart(measure: Int, part: IntervalPart)
        /// Exact sum of squares, as the sum. Null where no value was. Merged by +.
        case sumOfSquares(measure: Int)
        /// min, max, bool_and or bool_or in the argument's type. Null where no value was. Merged by LEAST/GREATEST, AND/OR.
        case extremum(measure: Int)
        /// Exact number of distinct values; in the batch layer only.
        case distinctCount(measure: Int)
        /// hll. In the speed layer always; in the batch layer while the window can still change, else null. Merged by hll_union.
        case distinctSketch(measure: Int)
        /// Exact sum of the distinct values as numeric; in the batch layer only. Null where no value was.
        case distinctSum(measure: Int)
        /// The distinct values themselves, as numeric[], ascending; null where there are none. In the speed layer always; in the batch layer
        /// while the window can still change, else null. Merged as a set.
        case distinctValues(measure: Int)
        /// Exact percentile or array of them; in the batch layer only. Null where no value was.
        case percentile(measure: Int)
        /// The values themselves, while there are at most `SketchPrecision.exactValues`, and tdigest of them from then on: one of the two, neither
        /// where no value was. In the speed layer always; in the batch layer while the window can still change. Values are merged by ||, digests by
        /// tdigest_union. A version from before the values were kept has digests only, beside them.
        case percentileSketch(measure: Int)
        case percentileValues(measure: Int)
        /// first's or last's value, in the argument's type, and the (order, partition, offset) of its row, which are null where no row
        /// was. The value with the smaller or larger tag stays. Measures that share a tag have one in common.
        case taggedValue(measure: Int)
        case tagOrder(measure: Int)
        case tagPartition(measure: Int)
        case tagOffset(measure: Int)
    }

    /// In the order of their columns.
    public enum IntervalPart: String, Hashable, Sendable, CaseIterable { case months, days, microseconds }

    public struct StateColumn: Hashable, Sendable {
        public var name: String
        public var role: Role
        /// PostgreSQL's type name, e.g. `bigint`, `numeric`, `text COLLATE "C"`, `hll`.
        public var sqlType: String
        public init(name: String, role: Role, sqlType: String) {
            self.name = name
            self.role = role
            self.sqlType = sqlType
        }

        /// A sketch, or a set in its place, which the batch layer keeps only while the window can still change.
        public var isSketch: Bool {
            switch role {
            case .distinctSketch, .percentileSketch, .percentileValues, .distinctValues: true
            default: false
            }
        }
    }

    public enum Layer: Hashable, Sendable { case speed, batch }

    public let layer: Layer
    public let columns: [StateColumn]
    /// For CREATE TABLE.
    public var columnDefinitions: String { columns.map { "\($0.name) \($0.sqlType)" }.joined(separator: ", ") }
    /// The first `keyCount` columns identify a group: the window, then the group columns.
    public let keyCount: Int

    public init(_ plan: Plan, layer: Layer) {
        var columns: [StateColumn] = []
        if plan.window != nil {
            columns.append(StateColumn(name: "window_start", role: .window, sqlType: "timestamptz"))
        }
        for (index, group) in plan.groups.enumerated() {
            columns.append(StateColumn(name: "g\(index)", role: .group(index), sqlType: group.expression.type.stateSQLName))
        }
        keyCount = columns.count
        if plan.window?.kind.sessionGap != nil {
            if layer == .speed { columns.append(StateColumn(name: "session_first", role: .sessionFirst, sqlType: "timestamptz")) }
            columns.append(StateColumn(name: "session_last", role: .sessionLast, sqlType: "timestamptz"))
        }
        for (index, measure) in plan.measures.enumerated() {
            switch measure.function {
            case .countRows, .count:
                columns.append(StateColumn(name: "m\(index)_n", role: .count(measure: index), sqlType: "bigint"))
            case .sum where measure.argument?.type == .interval, .avg where measure.argument?.type == .interval:
                if measure.function == .avg {
                    columns.append(StateColumn(name: "m\(index)_n", role: .count(measure: index), sqlType: "bigint"))
                }
                for part in IntervalPart.allCases {
                    columns.append(
                        StateColumn(name: "m\(index)_\(part)", role: .sumOfPart(measure: index, part: part), sqlType: "numeric"))
                }
            case .sum:
                columns.append(StateColumn(name: "m\(index)_s", role: .sum(measure: index), sqlType: "numeric"))
            case .avg:
                columns.append(StateColumn(name: "m\(index)_n", role: .count(measure: index), sqlType: "bigint"))
                columns.append(StateColumn(name: "m\(index)_s", role: .sum(measure: index), sqlType: "numeric"))
            case .sumDistinct, .avgDistinct:
                if layer == .batch {
                    columns.append(StateColumn(name: "m\(index)_d", role: .distinctCount(measure: index), sqlType: "bigint"))
                    columns.append(StateColumn(name: "m\(index)_s", role: .distinctSum(measure: index), sqlType: "numeric"))
                }
                columns.append(StateColumn(name: "m\(index)_u", role: .distinctValues(measure: index), sqlType: "numeric[]"))
            case .varPop, .varSamp, .stddevPop, .stddevSamp:
                columns.append(StateColumn(name: "m\(index)_n", role: .count(measure: index), sqlType: "bigint"))
                columns.append(StateColumn(name: "m\(index)_s", role: .sum(measure: index), sqlType: "numeric"))
                columns.append(StateColumn(name: "m\(index)_q", role: .sumOfSquares(measure: index), sqlType: "numeric"))
            case .percentileCont, .percentileDisc:
                // The count tells a run that a row has changed where its percentile has not.
                columns.append(StateColumn(name: "m\(index)_n", role: .count(measure: index), sqlType: "bigint"))
                let type = measure.argument?.type.stateSQLName ?? "double precision"
                if layer == .batch {
                    columns.append(
                        StateColumn(
                            name: "m\(index)_p", role: .percentile(measure: index),
                            sqlType: type + (measure.percentile?.isArray == true ? "[]" : "")))
                }
                columns.append(StateColumn(name: "m\(index)_t", role: .percentileSketch(measure: index), sqlType: "tdigest"))
                columns.append(StateColumn(name: "m\(index)_v", role: .percentileValues(measure: index), sqlType: type + "[]"))
            case .first, .last:
                let type = measure.argument?.type.stateSQLName ?? "bigint"
                columns.append(StateColumn(name: "m\(index)_v", role: .taggedValue(measure: index), sqlType: type))
                guard measure.sharedTag == nil else { continue }
                let order = measure.order?.type.stateSQLName ?? "timestamptz"
                columns.append(StateColumn(name: "m\(index)_k", role: .tagOrder(measure: index), sqlType: order))
                columns.append(StateColumn(name: "m\(index)_a", role: .tagPartition(measure: index), sqlType: "integer"))
                columns.append(StateColumn(name: "m\(index)_b", role: .tagOffset(measure: index), sqlType: "bigint"))
            case .min, .max, .boolAnd, .boolOr:
                let type = measure.argument?.type.stateSQLName ?? "bigint"
                columns.append(StateColumn(name: "m\(index)_v", role: .extremum(measure: index), sqlType: type))
            case .countDistinct:
                if layer == .batch {
                    columns.append(StateColumn(name: "m\(index)_d", role: .distinctCount(measure: index), sqlType: "bigint"))
                }
                columns.append(StateColumn(name: "m\(index)_h", role: .distinctSketch(measure: index), sqlType: "hll"))
            }
        }
        self.layer = layer
        self.columns = columns
    }

    public var keys: ArraySlice<StateColumn> { columns[..<keyCount] }
    public var states: ArraySlice<StateColumn> { columns[keyCount...] }
}

extension ScalarType {
    /// PostgreSQL's name of the type.
    public var sqlName: String {
        switch self {
        case .text: "text"
        case .varchar(nil), .char(nil): "character varying"
        case .varchar(let length?): "character varying(\(length))"
        case .char(let length?): "character(\(length))"
        case .int2: "smallint"
        case .int4: "integer"
        case .int8: "bigint"
        case .numeric(let precision, let scale): "numeric(\(precision),\(scale))"
        case .decimal: "numeric"
        case .float4: "real"
        case .float8: "double precision"
        case .bool: "boolean"
        case .timestamptz: "timestamptz"
        case .timestamp: "timestamp"
        case .date: "date"
        case .time: "time"
        case .interval: "interval"
        case .uuid: "uuid"
        case .jsonb: "jsonb"
        case .array(let element): element.sqlName + "[]"
        }
    }

    /// The same for a state table. Numerics carry no (precision, scale) there: an expression's result may need more digits
    /// than its type says, and the displayed scale travels with each value. Text compares bytewise in both layers.
    public var stateSQLName: String {
        switch self {
        case .text, .varchar, .char, .array(of: .text), .array(of: .varchar): "\(sqlName) COLLATE \"C\""
        case .numeric: "numeric"
        default: sqlName
        }
    }
}
