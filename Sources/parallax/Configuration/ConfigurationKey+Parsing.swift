import ParallaxCore

extension ConfigurationKey {
    /// Why a text cannot be this key's value, in a form that ends a sentence: `must be …, not "…"`.
    struct Unusable: Error, Equatable {
        var reason: String
    }

    func parse(_ text: String) throws(Unusable) -> ConfigurationValue {
        let trimmed = text.trimmingSpaces
        switch kind {
        case .integer(let range):
            let digits = trimmed.filter { $0 != "_" }
            guard let value = Int(digits) else { throw Unusable(reason: "must be a whole number, not \(shown(trimmed))") }
            guard range.contains(value) else {
                throw Unusable(reason: "must be at least \(range.lowerBound) and at most \(range.upperBound), not \(value)")
            }
            return .integer(value)
        case .bytes(let range):
            guard let value = Self.parseBytes(trimmed) else {
                throw Unusable(reason: "must be a number of bytes such as 64MiB, not \(shown(trimmed))")
            }
            guard range.contains(value) else {
                let (low, high) = (ByteCount.text(range.lowerBound), ByteCount.text(range.upperBound))
                throw Unusable(reason: "must be at least \(low) and at most \(high), not \(trimmed)")
            }
            return .bytes(value)
        case .duration(let range, let offAllowed):
            if offAllowed && (trimmed == "off" || trimmed == "false" || trimmed == "0") { return .duration(nil) }
            guard let value = Duration(words: trimmed) else {
                throw Unusable(reason: "must be a duration such as 500ms, 5s or 2 hours, not \(shown(trimmed))")
            }
            guard range.contains(value) else {
                throw Unusable(
                    reason: "must be at least \(range.lowerBound.words) and at most \(range.upperBound.words), not \(trimmed)")
            }
            return .duration(value)
        case .share:
            let digits = trimmed.hasSuffix("%") ? String(trimmed.dropLast()).trimmingSpaces : trimmed == "0" ? "0" : ""
            guard let percent = Double(digits), percent.isFinite else {
                throw Unusable(reason: "must be a share such as 1% or 0.5%, not \(shown(trimmed))")
            }
            guard (0...100).contains(percent) else { throw Unusable(reason: "must be at least 0% and at most 100%, not \(trimmed)") }
            return .share(percent / 100)
        case .text:
            return .text(trimmed.isEmpty ? nil : trimmed)
        case .choice(let choices):
            guard choices.contains(trimmed) else {
                throw Unusable(reason: "must be \(choices.joined(separator: " or ")), not \(shown(trimmed))")
            }
            return .text(trimmed)
        }
    }

    /// A secret never shows in a message.
    private func shown(_ text: String) -> String { isSecret ? "what it holds" : "\"\(text)\"" }

    static func parseBytes(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == "_") }
        guard let number = Int(digits.filter { $0 != "_" }) else { return nil }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }.lowercased()
        let factors = [
            "": 1, "b": 1, "kb": 1_000, "mb": 1_000_000, "gb": 1_000_000_000, "tb": 1_000_000_000_000,
            "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
        ]
        guard let factor = factors[unit] else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : product
    }
}

extension String {
    var trimmingSpaces: String {
        guard let first = firstIndex(where: { !$0.isWhitespace }), let last = lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(self[first...last])
    }
}
