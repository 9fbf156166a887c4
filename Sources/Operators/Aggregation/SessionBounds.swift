/// The least and the greatest event time of each group: where a session, or an atom of one, begins and ends.
struct SessionBounds {
    /// Microseconds.
    let gap: Int64
    private(set) var firsts: [Int64] = []
    private(set) var lasts: [Int64] = []

    init(gap: Int64) { self.gap = gap }

    /// One time a row.
    mutating func add(groups: [Int32], times: [Int64], groupCount: Int) {
        firsts.grow(to: groupCount, .max)
        lasts.grow(to: groupCount, .min)
        for row in groups.indices {
            let group = Int(groups[row])
            firsts[group] = min(firsts[group], times[row])
            lasts[group] = max(lasts[group], times[row])
        }
    }

    mutating func merge(_ newGroups: [Int32], groupCount: Int) {
        firsts.merge(newGroups, groupCount, .max) { $0 = min($0, $1) }
        lasts.merge(newGroups, groupCount, .min) { $0 = max($0, $1) }
    }

    /// Whether an event at `time` is less than a gap behind `last`.
    func reaches(from last: Int64, to time: Int64) -> Bool {
        let (distance, overflow) = time.subtractingReportingOverflow(last)
        return !overflow && distance < gap
    }

    /// The end of a group's session, the first instant that is not in it; `Int64.max` where there is none.
    func end(_ group: Int) -> Int64 {
        let (end, overflow) = lasts[group].addingReportingOverflow(gap)
        return overflow ? .max : end
    }

    var approximateBytes: Int { firsts.capacity * 8 + lasts.capacity * 8 }
}
