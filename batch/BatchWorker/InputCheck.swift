/// Whether a run is computed from suspiciously little: history grows, so that fewer events than before are a mistake somewhere, or a decision that somebody should
/// see before readers do.
///
///     held where  now < before × minPercent / 100
///
/// and at least `fewest` are missing, or all. What is new since then may hide what is missing: it is not counted by itself, since a copy that moved to another
/// partition looks new.
struct InputCheck: Hashable {
    /// Fewer may go without a person's word, unless nothing is left: shares of small numbers say little.
    static let fewest: Int64 = 100

    /// Events that the publication before was computed from.
    var before: Int64
    var now: Int64
    /// 0: nothing is too little.
    var minPercent: Int

    var isTooLittle: Bool {
        let missing = before - now
        guard missing > 0, Double(now) < Double(before) * Double(minPercent) / 100 else { return false }
        return missing >= Self.fewest || now == 0
    }
}
