/// `1,234,567`.
public func grouped(_ number: some BinaryInteger) -> String {
    var digits = String(number.magnitude)
    var position = digits.count - 3
    while position > 0 {
        digits.insert(",", at: digits.index(digits.startIndex, offsetBy: position))
        position -= 3
    }
    return (number < 0 ? "-" : "") + digits
}

/// `1 row`, `1,234 rows`.
///
/// - Parameter plural: where it is not the word with an s: `stretches`.
public func counted(_ number: some BinaryInteger, _ word: String, plural: String? = nil) -> String {
    "\(grouped(number)) \(number == 1 ? word : plural ?? word + "s")"
}

/// A share of 1, for people: `1.2%`, `34.5%`, or "without bounds".
public func shareText(_ share: Double) -> String {
    guard share.isFinite else { return "without bounds" }
    let percent = share * 100
    return percent >= 10 ? "\((percent * 10).rounded() / 10)%" : "\((percent * 1_000).rounded() / 1_000)%"
}
