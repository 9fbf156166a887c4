import Columns

extension Plan {
    /// The source's columns that the filter, the groups, the measures and the keys of lookups read. The event id and the event time are in it only
    /// where an expression reads them; a window reads the event time without being counted here.
    public var usedColumns: Set<Int> {
        var columns: Set<Int> = []
        for lookup in lookups ?? [] { for key in lookup.keys { key.expression.collectColumns(into: &columns) } }
        filter?.collectColumns(into: &columns)
        for group in groups { group.expression.collectColumns(into: &columns) }
        for measure in measures {
            measure.argument?.collectColumns(into: &columns)
            measure.filter?.collectColumns(into: &columns)
            measure.order?.collectColumns(into: &columns)
        }
        return columns
    }

    /// PostgreSQL's type of a column of the view, as its own SELECT would have it. Empty for an expression over results: PostgreSQL
    /// finds it when the view is created.
    public func sqlType(of output: Output) -> String {
        switch output.value {
        case .window, .windowEnd: "timestamptz"
        case .group(let index): groups[index].expression.resultSQLName
        case .measure(let index): measures[index].resultSQLName
        case .finished: ""
        }
    }
}

extension Plan.Measure {
    /// PostgreSQL's type of the aggregate's result.
    public var resultSQLName: String {
        switch (function, argument?.type) {
        case (.countRows, _), (.count, _), (.countDistinct, _), (.sum, .int4),
            (.sumDistinct, .int4), (.sum, .int2), (.sumDistinct, .int2):
            "bigint"
        case (.sum, .float4), (.sumDistinct, .float4): "real"
        case (.avg, .float4), (.avgDistinct, .float4): "double precision"
        case (.sum, .float8), (.avg, .float8), (.sumDistinct, .float8), (.avgDistinct, .float8): "double precision"
        case (.sum, .interval), (.avg, .interval): "interval"
        case (.sum, _), (.avg, _), (.sumDistinct, _), (.avgDistinct, _): "numeric"
        case (.boolAnd, _), (.boolOr, _): "boolean"
        case (.varPop, .float4), (.varSamp, .float4), (.stddevPop, .float4), (.stddevSamp, .float4): "double precision"
        case (.varPop, .float8), (.varSamp, .float8), (.stddevPop, .float8), (.stddevSamp, .float8): "double precision"
        case (.varPop, _), (.varSamp, _), (.stddevPop, _), (.stddevSamp, _): "numeric"
        case (.percentileCont, .interval): "interval" + (percentile?.isArray == true ? "[]" : "")
        case (.percentileCont, _): "double precision" + (percentile?.isArray == true ? "[]" : "")
        case (.percentileDisc, let type): Self.withoutModifier(type) + (percentile?.isArray == true ? "[]" : "")
        case (.min, let type), (.max, let type), (.first, let type), (.last, let type),
            (.bitAnd, let type), (.bitOr, let type), (.bitXor, let type):
            Self.withoutModifier(type)
        }
    }
}

extension Plan.Measure {
    /// Whether its result cannot be made of those of parts: both layers keep a sketch, the values, or the set of them beside it.
    public var hasSketch: Bool {
        switch function {
        case .countDistinct, .sumDistinct, .avgDistinct, .percentileCont, .percentileDisc: true
        case .countRows, .count, .sum, .avg, .min, .max, .boolAnd, .boolOr, .bitAnd, .bitOr, .bitXor, .varPop, .varSamp, .stddevPop,
            .stddevSamp,
            .first, .last:
            false
        }
    }

    /// An aggregate's result has no precision and scale.
    private static func withoutModifier(_ type: ScalarType?) -> String {
        if case .numeric = type { "numeric" } else { type?.sqlName ?? "text" }
    }
}

extension Expression {
    /// real or double precision.
    public var isFloat: Bool { type.layout == .float64 }

    /// PostgreSQL's type of the expression: only a column and a cast have a precision and a scale there.
    public var resultSQLName: String {
        switch (self, type) {
        case (.column, _), (.lookup, _), (.cast, _): type.sqlName
        case (_, .numeric): "numeric"
        default: type.sqlName
        }
    }

    func collectColumns(into columns: inout Set<Int>) {
        if case .column(let index, _) = self { columns.insert(index) }
        for child in children { child.collectColumns(into: &columns) }
    }
}
