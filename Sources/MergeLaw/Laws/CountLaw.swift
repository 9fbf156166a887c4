/// count(*) and count(x).
struct CountLaw: MeasureLaw {
    let index: Int

    func columns(_ layer: StateLayout.Layer) -> [StateColumn] { [.count(measure: index)] }
    func finished(over row: StateSQL.Row, joinsSessions: Bool) -> String { "\(row.alias).m\(index)_n" }
    var canBeAddedTo: Bool { true }
    var isSummable: Bool { true }
}
