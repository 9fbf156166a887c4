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
        /// Index into `inputs`: what first and last order by.
        var order: Int?
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
            let argument = measure.argument.map { index(of: Input(filter: filter, argument: $0)) }
            let order = measure.order.map { index(of: Input(filter: filter, argument: $0)) }
            self.measures.append(Measure(filter: filter, argument: argument, order: order))
        }
    }

    private mutating func index(of input: Input) -> Int {
        if let known = inputs.firstIndex(of: input) { return known }
        inputs.append(input)
        return inputs.count - 1
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
        // Which positions of each filter stay, as places in its list.
        let staying = positions.map { list in list.indices.filter { newPosition[Int(list[$0])] >= 0 }.map { Int32($0) } }
        for (index, input) in inputs.enumerated() { vectors[index] = vectors[index].at(input.filter.map { staying[$0] } ?? kept) }
        for filter in positions.indices { positions[filter] = gather(positions[filter], staying[filter]).map { newPosition[Int($0)] } }
    }

    /// Repeats each selected row as often as it stands in `places`; positions then count places.
    mutating func spread(over places: [Int32], of count: Int) {
        let lists = positions.map { list -> (places: [Int32], entries: [Int32]) in
            var entry = [Int32](repeating: -1, count: count)
            for (index, position) in list.enumerated() { entry[Int(position)] = Int32(index) }
            let staying = places.indices.filter { entry[Int(places[$0])] >= 0 }
            return (staying.map { Int32($0) }, staying.map { entry[Int(places[$0])] })
        }
        for (index, input) in inputs.enumerated() { vectors[index] = vectors[index].at(input.filter.map { lists[$0].entries } ?? places) }
        positions = lists.map(\.places)
    }
}
