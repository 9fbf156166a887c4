import ViewLanguage

/// What a plan's measures need of each row: every distinct FILTER and every distinct argument under it is evaluated once a batch.
struct MeasureInputs {
    struct Input: Hashable {
        /// Index into `filters`.
        var filter: Int?
        var argument: Expression
    }

    struct Measure {
        /// Index into `filters`, and into `inputs`.
        var filter: Int?
        var argument: Int?
    }

    struct Values {
        /// For each filter the positions among the selected rows for which it is true.
        var positions: [[Int32]]
        /// For each input its values at the positions of its filter, one entry a position.
        var vectors: [Vector]
        fileprivate var inputs: [Input]
    }

    private var filters: [Expression] = []
    private var inputs: [Input] = []
    private(set) var measures: [Measure] = []

    init(_ measures: [Plan.Measure]) {
        for measure in measures {
            var filter: Int?
            if let condition = measure.filter {
                filter = filters.firstIndex(of: condition) ?? filters.count
                if filter == filters.count { filters.append(condition) }
            }
            var argument: Int?
            if let expression = measure.argument {
                let input = Input(filter: filter, argument: expression)
                argument = inputs.firstIndex(of: input) ?? inputs.count
                if argument == inputs.count { inputs.append(input) }
            }
            self.measures.append(Measure(filter: filter, argument: argument))
        }
    }

    func evaluate(_ rows: [Int32], _ evaluator: inout Evaluator) -> Values {
        let positions = filters.map { evaluator.positionsWhere($0, rows) }
        let vectors = inputs.map { input -> Vector in
            guard let filter = input.filter else { return evaluator.evaluate(input.argument, rows).spread(rows.count) }
            return evaluator.evaluate(input.argument, gather(rows, positions[filter])).spread(positions[filter].count)
        }
        return Values(positions: positions, vectors: vectors, inputs: inputs)
    }
}

extension MeasureInputs.Values {
    /// Leaves only some of the selected rows; positions count the rest anew.
    mutating func keep(_ kept: [Int32], of count: Int) {
        var newPosition = [Int32](repeating: -1, count: count)
        for (new, old) in kept.enumerated() { newPosition[Int(old)] = Int32(new) }
        // Of each filter's positions those that stay, as places in its list.
        let staying = positions.map { list in list.indices.filter { newPosition[Int(list[$0])] >= 0 }.map { Int32($0) } }
        for (index, input) in inputs.enumerated() { vectors[index] = vectors[index].at(input.filter.map { staying[$0] } ?? kept) }
        for filter in positions.indices { positions[filter] = gather(positions[filter], staying[filter]).map { newPosition[Int($0)] } }
    }
}
