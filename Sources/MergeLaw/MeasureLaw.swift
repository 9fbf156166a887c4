import ViewLanguage

/// What one aggregate keeps between the layers, and the law by which states of the same group become one result.
///
///     result(group) = finished(state₁ ⊕ state₂ ⊕ …)        ⊕ is associative, and the order of the states does not matter
///
/// Everything about it stands in one file of `Laws/`. A new aggregate takes a case of `Plan.Measure.Function` and its compiler (`MeasureCall`), a
/// `MeasureState` in Operators that fills the columns, and a law here.
public protocol MeasureLaw: Sendable {
    /// The columns of its state, in the order in which the operators fill them.
    func columns(_ layer: StateLayout.Layer) -> [StateColumn]

    /// SQL: the column's value of two rows together, of which each may lack it. For flushes, and for exact states that can be added to.
    ///
    /// - Parameters:
    ///   - old, new: aliases of the two rows.
    func added(_ column: StateColumn, to old: String, _ new: String) -> String

    /// SQL: the column's values of all rows of a group together: aggregates over `u`, with names. `u.is_speed` tells the layers apart.
    ///
    /// - Parameter joinsSessions: whether several batch rows may be in one group (live rows join sessions that were apart).
    func merged(_ column: StateColumn, joinsSessions: Bool) -> [String]

    /// SQL: the same of the rows of several groups, or of several windows, for a roll-up: any number of batch rows may be in one.
    func rolledUp(_ column: StateColumn) -> [String]

    /// SQL: the result over a row, PostgreSQL's own to the last digit where it is exact.
    func finished(over row: StateSQL.Row, joinsSessions: Bool) -> String

    /// Whether the result over a row of merged states is exact where live rows are in it.
    func exactness(over alias: String) -> MeasureExactness

    /// What the result over a row of rolled-up states may be beside exact; nil: nothing.
    func estimate(over alias: String) -> RollUpEstimate?

    /// Where an estimate of the same records by live rows is promised to lie. Nil where live rows are no estimates, or promise nothing that can be looked at.
    ///
    /// - Parameter alias: of a row that has the promise's columns of the batch row.
    func promise(over alias: String) -> EstimatePromise?

    /// SQL: whether a column of `b` and `s` differs, such that results may; nil where other columns tell.
    func differs(_ column: StateColumn) -> String?

    /// Whether the exact states of new events can be added to those of the events before. Not where a state is a result and not what it came from,
    /// nor where of equal values one stands for all and only the layers' own order says which.
    var canBeAddedTo: Bool { get }

    /// Whether a sum over groups means something: of counts and of sums.
    var isSummable: Bool { get }
}

public enum MeasureExactness: Hashable, Sendable {
    /// Both layers' states are exact, and so is their sum.
    case always
    /// The condition over a row of merged states. Without live rows it is exact in any case.
    case when(String)
    /// Only where no live row is in it.
    case withoutLiveRows
}

/// A result of a roll-up that may be an estimate.
public struct RollUpEstimate: Hashable, Sendable {
    /// SQL over the row: it is exact, all the same.
    public var isExact: String
    /// SQL over the row: how far it may be off where it is not, as `RollUpBound` says.
    public var error: String
    public var bound: RollUpBound
}

/// SQL: between which values an estimate may lie, given the batch layer's exact row; null where its states no longer say.
public struct EstimatePromise: Hashable, Sendable {
    /// State columns of the batch row that the two read.
    public var columns: [String]
    public var low: String
    public var high: String
}

/// What an estimate's error counts; the figures are those of docs/reference/sql.md.
public enum RollUpBound: Hashable, Sendable {
    /// The standard error, as a share of the value.
    case standardError
    /// The greatest distance from the fraction asked for, as a share of the values' ranks; the next other value on either side is within it, too.
    case rankError
}

extension MeasureLaw {
    public func rolledUp(_ column: StateColumn) -> [String] { merged(column, joinsSessions: false) }
    public func estimate(over alias: String) -> RollUpEstimate? { nil }
    public func promise(over alias: String) -> EstimatePromise? { nil }
    public func added(_ column: StateColumn, to old: String, _ new: String) -> String { column.added(to: old, new) }
    public func merged(_ column: StateColumn, joinsSessions: Bool) -> [String] { [column.merged] }
    public func exactness(over alias: String) -> MeasureExactness { .always }
    public func differs(_ column: StateColumn) -> String? { column.differs }
    public var isSummable: Bool { false }
}

extension Plan.Measure {
    /// - Parameter index: the measure's place in the plan, which its columns' names have.
    public func law(_ index: Int) -> any MeasureLaw {
        switch (function, argument?.type) {
        case (.countRows, _), (.count, _): CountLaw(index: index)
        case (.sum, .interval), (.avg, .interval): IntervalSumLaw(measure: self, index: index)
        case (.sum, _), (.avg, _): SumLaw(measure: self, index: index)
        case (.min, _), (.max, _): ExtremumLaw(measure: self, index: index)
        case (.boolAnd, _), (.boolOr, _), (.bitAnd, _), (.bitOr, _), (.bitXor, _): LogicLaw(measure: self, index: index)
        case (.varPop, _), (.varSamp, _), (.stddevPop, _), (.stddevSamp, _): VarianceLaw(measure: self, index: index)
        case (.countDistinct, _): DistinctCountLaw(index: index, precision: precision)
        case (.sumDistinct, _), (.avgDistinct, _): DistinctSumLaw(measure: self, index: index)
        case (.percentileCont, _), (.percentileDisc, _): PercentileLaw(measure: self, index: index)
        case (.first, _), (.last, _): TaggedLaw(measure: self, index: index)
        }
    }
}

extension Plan {
    public func law(_ measure: Int) -> any MeasureLaw { measures[measure].law(measure) }
    public var laws: [any MeasureLaw] { measures.indices.map(law) }
}
