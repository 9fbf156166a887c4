/// Atoms to sessions.
///
///     session  =  a longest chain of atoms of one group in which  first(next) − last(previous) < gap
///
/// Atoms are tumbling windows as long as the gap, each with its first and last event. Two events in one atom are less than a gap
/// apart, so an atom is in one session; and atoms of a group that follow one another hold events that follow one another, so a chain of atoms
/// holds just the events that a chain of events would.
struct SessionChains {
    /// For each atom the session that it is a part of.
    private(set) var sessions: [Int32]
    private(set) var count = 0
    /// The keys of the sessions: their first event in place of the window, then the groups as the atoms have them.
    private(set) var keys: [UInt64] = []

    /// - Parameter atoms: keys of (window, groups).
    init(_ atoms: GroupTable, _ bounds: SessionBounds) {
        sessions = [Int32](repeating: 0, count: atoms.count)
        let width = atoms.width
        let words = atoms.keys
        var order = Array(0..<Int32(atoms.count))
        // The groups in any order, their atoms in that of time.
        words.withUnsafeBufferPointer { words in
            order.sort { a, b in
                let (i, j) = (Int(a) &* width, Int(b) &* width)
                for word in 1..<width where words[i &+ word] != words[j &+ word] { return words[i &+ word] < words[j &+ word] }
                return Int64(bitPattern: words[i]) < Int64(bitPattern: words[j])
            }
        }
        var previous: Int?
        for atom in order.lazy.map({ Int($0) }) {
            let key = words[(atom * width)..<(atom * width + width)]
            let continues =
                previous.map { previous in
                    words[(previous * width + 1)..<(previous * width + width)] == key.dropFirst()
                        && bounds.reaches(from: bounds.lasts[previous], to: bounds.firsts[atom])
                } ?? false
            if !continues {
                keys.append(UInt64(bitPattern: bounds.firsts[atom]))
                keys.append(contentsOf: key.dropFirst())
                count += 1
            }
            sessions[atom] = Int32(count - 1)
            previous = atom
        }
    }
}
