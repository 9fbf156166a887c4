/// A plan numbers its source's columns. Sources change: they gain columns, or others in another order. What the plan means stays the same
/// as long as the columns that it reads do.
extension Plan {
    /// Indexes of the source's columns that the plan's rows depend on: those that it reads, and those that tell events apart.
    public var sourceColumnsRead: Set<Int> { usedColumns.union([source.eventIDColumn, source.eventTimeColumn]) }

    /// The same plan over another form of its source; nil where that has not the very columns that the plan reads (name, type and what
    /// decoding makes of them), or is another log.
    public func rebound(to form: SourceDefinition) -> Plan? {
        guard form.name == source.name, form.topic == source.topic else { return nil }
        var places: [Int: Int] = [:]
        for index in sourceColumnsRead {
            guard let place = form.columns.firstIndex(of: source.columns[index]) else { return nil }
            places[index] = place
        }
        guard places[source.eventIDColumn] == form.eventIDColumn, places[source.eventTimeColumn] == form.eventTimeColumn else { return nil }
        return renumbered(over: form) { index in
            guard let place = places[index] else { preconditionFailure("column \(index) of \(source.name) is read and was not counted") }
            return place
        }
    }

    /// What a version's hash is over: the plan over a source that has the columns it reads and no others, in the order of their names, and
    /// nothing that changes no row.
    var canonical: Plan {
        let read = sourceColumnsRead.sorted { source.columns[$0].name.utf8.lexicographicallyPrecedes(source.columns[$1].name.utf8) }
        let places = Dictionary(uniqueKeysWithValues: read.enumerated().map { ($1, $0) })
        var form = source.withoutClocks
        form.columns = read.map { source.columns[$0] }
        form.eventIDColumn = places[source.eventIDColumn] ?? 0
        form.eventTimeColumn = places[source.eventTimeColumn] ?? 0
        return renumbered(over: form) { places[$0] ?? 0 }
    }

    private func renumbered(over form: SourceDefinition, _ place: (Int) -> Int) -> Plan {
        var plan = self
        plan.source = form
        plan.lookups = lookups?.map { lookup in
            var lookup = lookup
            for index in lookup.keys.indices { lookup.keys[index].expression = lookup.keys[index].expression.renumbered(place) }
            return lookup
        }
        plan.filter = filter?.renumbered(place)
        for index in plan.groups.indices { plan.groups[index].expression = groups[index].expression.renumbered(place) }
        for (index, measure) in measures.enumerated() {
            plan.measures[index].argument = measure.argument?.renumbered(place)
            plan.measures[index].filter = measure.filter?.renumbered(place)
            plan.measures[index].order = measure.order?.renumbered(place)
        }
        return plan
    }
}

extension SourceDefinition {
    /// Names what decides which records are events, and what is in them: the declared columns in any order, but not how late events may be.
    /// Batch rows that were computed under another form are computed anew: a record that was an event may be none now.
    public var form: String {
        var form = withoutClocks
        let order = columns.indices.sorted { columns[$0].name.utf8.lexicographicallyPrecedes(columns[$1].name.utf8) }
        form.columns = order.map { columns[$0] }
        form.eventIDColumn = order.firstIndex(of: eventIDColumn) ?? 0
        form.eventTimeColumn = order.firstIndex(of: eventTimeColumn) ?? 0
        return ContentHash.name(of: form)
    }

    /// True where both read the same columns out of a record, under the same numbers; lateness and the like may differ.
    public func decodesLike(_ other: SourceDefinition) -> Bool {
        columns == other.columns && eventIDColumn == other.eventIDColumn && eventTimeColumn == other.eventTimeColumn
    }
}
