import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// Offsets from UTC of one time zone, from the system's tz database: the one that PostgreSQL reads, too.
///
/// offset(at: t) = offset after the last transition at or before t. Behind the file's last transition its closing rule goes on for
/// 400 years, after which the calendar repeats itself.
/// Format: RFC 8536 (TZif); closing rule: POSIX TZ strings with that RFC's extensions.
public struct TimeZoneRules: Sendable {
    /// Seconds since 1970, ascending; `offsets[i]` holds from `transitions[i]` on.
    private let transitions: [Int64]
    private let offsets: [Int64]
    /// Before the first transition.
    private let first: Int64

    private static let secondsPer400Years: Int64 = 146_097 * 86_400
    private static let folder = "/usr/share/zoneinfo"

    /// Nil for a name that the tz database lacks. Names are those of regions and places (`Europe/Berlin`), and `UTC`.
    ///
    /// Short names (`EST`, `CET`) are not taken: PostgreSQL reads them as abbreviations with a fixed offset, the tz database as zones.
    public init?(_ name: String) {
        guard name.contains("/") || name == "UTC", name.utf8.count < 100, !name.hasPrefix("/"), !name.contains("."),
            name.utf8.allSatisfy({ isNameByte($0) }), let bytes = readFile("\(Self.folder)/\(name)"), let parsed = ZoneFile(bytes)
        else { return nil }
        var transitions = parsed.transitions
        var offsets = parsed.offsets
        if let rule = parsed.rule {
            let last = transitions.last ?? 0
            let year = CivilDate(daysSince1970: floorDivide(last, 86_400).quotient).year
            for (at, offset) in rule.transitions(years: year..<(year + 402)) where at > last || transitions.isEmpty {
                transitions.append(at)
                offsets.append(offset)
            }
        }
        self.transitions = transitions
        self.offsets = offsets
        first = parsed.first
    }

    /// The rules of a zone, read once a process: the calendar of a window asks for them at every row.
    public static func named(_ name: String) -> TimeZoneRules? {
        if let rules = read.withLock({ $0[name] }) { return rules }
        let rules = TimeZoneRules(name)
        read.withLock { $0[name] = rules }
        return rules
    }

    private static let read = Mutex<[String: TimeZoneRules]>([:])

    /// The tz database's own spelling of a region and a place, whatever the case of its letters. Nil for what is none.
    public static func knownName(_ name: String) -> String? {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count > 1, !name.contains(".") else { return nil }
        var spelled: [String] = []
        for part in parts {
            let path = ([folder] + spelled).joined(separator: "/")
            guard let found = names(in: path).first(where: { $0.lowercased() == part.lowercased() }) else { return nil }
            spelled.append(found)
        }
        let found = spelled.joined(separator: "/")
        return TimeZoneRules.named(found) == nil ? nil : found
    }

    private static func names(in path: String) -> [String] {
        guard let handle = opendir(path) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) { field in
                    field.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: field.pointee)) { String(cString: $0) }
                })
        }
        return names
    }

    /// Seconds east of UTC at a point in time, given in seconds since 1970.
    public func offset(at seconds: Int64) -> Int64 { place(seconds).offset }

    /// Seconds east of UTC where clocks show this local time (seconds since 1970-01-01 00:00 of that clock).
    ///
    /// PostgreSQL's choice where clocks show a time twice or never: in a gap the offset before it, in an overlap the one after it
    /// (src/backend/utils/adt/datetime.c, DetermineTimeZoneOffset).
    public func offset(ofLocal local: Int64) -> Int64 {
        let (index, shift, before) = place(local - 86_400)
        guard index < transitions.count else { return before }
        let (boundary, after) = (transitions[index] + shift, offsets[index])
        let (beforeTime, afterTime) = (local - before, local - after)
        if beforeTime < boundary && afterTime < boundary { return before }
        if beforeTime > boundary && afterTime >= boundary { return after }
        return beforeTime > afterTime ? before : after
    }

    /// The index of the first transition after a point in time, by how much the list is moved there (a multiple of 400 years), and
    /// the offset before it.
    private func place(_ seconds: Int64) -> (index: Int, shift: Int64, offset: Int64) {
        var shift: Int64 = 0
        if let last = transitions.last, seconds >= last, transitions.count > 700 {
            // Long lists end 400 years behind the file's own transitions.
            shift = ((seconds - last) / Self.secondsPer400Years + 1) * Self.secondsPer400Years
        }
        let wanted = seconds - shift
        var (low, high) = (0, transitions.count)
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle] <= wanted { low = middle + 1 } else { high = middle }
        }
        return (low, shift, low == 0 ? first : offsets[low - 1])
    }
}

private func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "/"):
        true
    default: false
    }
}

/// At most 100 kB; a file of the tz database has a few.
private func readFile(_ path: String) -> [UInt8]? {
    guard let file = fopen(path, "rb") else { return nil }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 100_000)
    let count = fread(&bytes, 1, bytes.count, file)
    guard count > 0, ferror(file) == 0 else { return nil }
    return Array(bytes[..<count])
}
