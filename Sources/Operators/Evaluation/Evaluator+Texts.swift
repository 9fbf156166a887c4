import Columns
import ViewLanguage

// Source of the rules: PostgreSQL 15, src/backend/utils/adt/{varlena.c, oracle_compat.c, like.c, formatting.c}, in a UTF-8 database
// whose LC_COLLATE and LC_CTYPE are C: lower, upper, initcap and ILIKE know the letters a to z and A to Z only.

extension Evaluator {
    mutating func text(_ function: Expression.Function, _ arguments: [Vector], _ type: ScalarType, _ frame: CallFrame) -> Vector {
        let textual = arguments.filter { if case .text = $0.values { true } else { false } }
        let whole = arguments.filter { if case .int64 = $0.values { true } else { false } }.map { IntegerArgument($0) }
        // The closure below changes the errors while it reads the arguments' bytes.
        var evaluator = self
        let result = withTexts(textual) { texts in
            type == .text ? evaluator.makeText(function, texts, whole, frame) : evaluator.measure(function, texts, type, frame)
        }
        errors = evaluator.errors
        return result
    }

    /// Functions of text whose result is a number or a truth value.
    private mutating func measure(
        _ function: Expression.Function, _ texts: [TextArgument], _ type: ScalarType, _ frame: CallFrame
    ) -> Vector {
        let a = texts[0]
        func integers(_ found: (values: [Int64], nulls: [UInt8])) -> Vector {
            Vector(type: type, values: .int64(found.values), nulls: found.nulls, isConstant: frame.isConstant)
        }
        func truths(_ found: (values: [UInt8], nulls: [UInt8])) -> Vector {
            Vector(type: type, values: .bool(found.values), nulls: found.nulls, isConstant: frame.isConstant)
        }
        switch function {
        case .length: return integers(values(frame, zero: 0) { (row) throws(RowProblem) in Int64(UTF8Text.count(a[row])) })
        case .octetLength: return integers(values(frame, zero: 0) { (row) throws(RowProblem) in Int64(a[row].count) })
        case .position:
            return integers(
                values(frame, zero: 0) { (row) throws(RowProblem) in
                    guard let at = UTF8Text.find(texts[1][row], in: a[row]) else { return 0 }
                    return Int64(UTF8Text.count(UTF8Text.part(a[row], 0..<at))) + 1
                })
        case .startsWith:
            return truths(
                values(frame, zero: 0) { (row) throws(RowProblem) in
                    let (text, prefix) = (a[row], texts[1][row])
                    return text.count >= prefix.count && compareBytes(text, 0, prefix, 0, prefix.count) == 0 ? 1 : 0
                })
        case .like:
            return truths(values(frame, zero: 0) { (row) throws(RowProblem) in try LikePattern.matches(a[row], texts[1][row]) ? 1 : 0 })
        case .likeIgnoringCase:
            return truths(
                values(frame, zero: 0) { (row) throws(RowProblem) in
                    let (text, pattern) = (a[row].map(lowered), texts[1][row].map(lowered))
                    let found = text.withUnsafeBytes { text in
                        pattern.withUnsafeBytes { pattern in
                            Result { () throws(RowProblem) in try LikePattern.matches(text, pattern) }
                        }
                    }
                    return try found.get() ? 1 : 0
                })
        default: preconditionFailure("\(function) gives no \(type)")
        }
    }

    private mutating func makeText(
        _ function: Expression.Function, _ texts: [TextArgument], _ whole: [IntegerArgument], _ frame: CallFrame
    ) -> Vector {
        let a = texts[0]
        switch function {
        case .lower: return self.texts(frame) { (row, out) throws(RowProblem) in for byte in a[row] { out.append(lowered(byte)) } }
        case .upper: return self.texts(frame) { (row, out) throws(RowProblem) in for byte in a[row] { out.append(raised(byte)) } }
        case .initialCapitals:
            return self.texts(frame) { (row, out) throws(RowProblem) in
                var isInside = false
                for byte in a[row] {
                    out.append(isInside ? lowered(byte) : raised(byte))
                    isInside = isLetter(byte) || (0x30...0x39).contains(byte)
                }
            }
        case .md5: return self.texts(frame) { (row, out) throws(RowProblem) in MD5.append(a[row], to: &out) }
        case .concatenate:
            return self.texts(frame) { (row, out) throws(RowProblem) in
                out.append(contentsOf: a[row])
                out.append(contentsOf: texts[1][row])
            }
        case .reverse:
            return self.texts(frame) { (row, out) throws(RowProblem) in
                let text = a[row]
                var end = text.count
                while end > 0 {
                    var start = end - 1
                    while UTF8Text.isContinuation(text[start]), start > 0 { start -= 1 }
                    out.append(contentsOf: text[start..<end])
                    end = start
                }
            }
        case .repeated:
            return self.texts(frame) { (row, out) throws(RowProblem) in
                let count = max(0, whole[0][row])
                try checkLength(Int(count), a[row].count)
                for _ in 0..<count { out.append(contentsOf: a[row]) }
            }
        case .substring:
            return self.texts(frame) { (row, out) throws(RowProblem) in
                let length = whole.count > 1 ? whole[1][row] : nil
                out.append(contentsOf: try substring(a[row], from: whole[0][row], length: length))
            }
        case .left, .right:
            return self.texts(frame) { (row, out) throws(RowProblem) in
                let (text, count) = (a[row], Int(whole[0][row]))
                // A negative number leaves out that many at the other end.
                let fromStart = (count >= 0) == (function == .left) ? abs(count) : max(0, UTF8Text.count(text) - abs(count))
                let at = UTF8Text.offset(fromStart, in: text)
                out.append(contentsOf: function == .left ? text[..<at] : text[at...])
            }
        case .splitPart:
            return self.texts(frame) { (row, out) throws(RowProblem) in
                out.append(contentsOf: try splitPart(a[row], texts[1][row], whole[0][row]))
            }
        case .replace:
            return self.texts(frame) { (row, out) throws(RowProblem) in
                let (text, old, new) = (a[row], texts[1][row], texts[2][row])
                var at = 0
                while !old.isEmpty, let found = UTF8Text.find(old, in: text, from: at) {
                    out.append(contentsOf: text[at..<found])
                    out.append(contentsOf: new)
                    at = found + old.count
                }
                out.append(contentsOf: text[at...])
            }
        case .translate:
            return self.texts(frame) { (row, out) throws(RowProblem) in translate(a[row], texts[1][row], texts[2][row], &out) }
        case .trimBoth, .trimLeading, .trimTrailing:
            return self.texts(frame) { (row, out) throws(RowProblem) in
                let text = a[row]
                let set = texts.count > 1 ? characters(texts[1][row]) : [[0x20]]
                let start = function == .trimTrailing ? 0 : leading(text, set)
                let end = function == .trimLeading ? text.count : trailing(text, set, from: start)
                out.append(contentsOf: text[start..<end])
            }
        case .padLeft, .padRight:
            return self.texts(frame) { (row, out) throws(RowProblem) in
                let fill = texts.count > 1 ? characters(texts[1][row]) : [[0x20]]
                let (text, length) = (a[row], max(0, Int(whole[0][row])))
                try checkLength(length, 4)
                let missing = fill.isEmpty ? 0 : max(0, length - UTF8Text.count(text))
                let padding = (0..<missing).lazy.flatMap { fill[$0 % fill.count] }
                if function == .padLeft { out.append(contentsOf: padding) }
                out.append(contentsOf: text[..<UTF8Text.offset(length, in: text)])
                if function == .padRight { out.append(contentsOf: padding) }
            }
        case .likeEscape:
            return self.texts(frame) { (row, out) throws(RowProblem) in
                try LikePattern.withBackslashes(a[row], escape: texts[1][row], to: &out)
            }
        default: preconditionFailure("\(function) gives no text")
        }
    }

    /// concat and concat_ws: nulls are passed over; a null separator gives null.
    mutating func concat(_ arguments: [Expression], isSeparated: Bool, _ rows: [Int32]) -> Vector {
        let vectors = arguments.map { evaluate($0, rows) }
        let frame = CallFrame(isSeparated ? [vectors[0].spread(rows.count)] : [], rows: rows, count: rows.count)
        var evaluator = self
        let result = withTexts(vectors) { texts in
            evaluator.texts(frame) { (row, out) throws(RowProblem) in
                var isFirst = true
                for (index, text) in texts.enumerated().dropFirst(isSeparated ? 1 : 0) where !vectors[index].isNull(row) {
                    if isSeparated, !isFirst { out.append(contentsOf: texts[0][row]) }
                    out.append(contentsOf: text[row])
                    isFirst = false
                }
            }
        }
        errors = evaluator.errors
        return result
    }
}

extension CallFrame {
    /// A frame of so many results, whatever the arguments' own nulls.
    init(_ arguments: [Vector], rows: [Int32], count: Int) {
        self.rows = rows
        isConstant = false
        self.count = count
        nulls = arguments.first?.nulls ?? []
    }
}

@inline(__always) private func lowered(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte }
@inline(__always) private func raised(_ byte: UInt8) -> UInt8 { byte >= 0x61 && byte <= 0x7a ? byte & 0xdf : byte }
@inline(__always) private func isLetter(_ byte: UInt8) -> Bool { lowered(byte) >= 0x61 && lowered(byte) <= 0x7a }

/// PostgreSQL's limit of one value is a gigabyte; an event of a view has far less, so that a batch of them fits the memory.
private let longestText = 10_000_000

private func checkLength(_ count: Int, _ bytesEach: Int) throws(RowProblem) {
    let (bytes, overflow) = count.multipliedReportingOverflow(by: bytesEach)
    guard !overflow, bytes <= longestText else { throw RowProblem("requested length too large") }
}

/// Characters [from, from + length) that exist; positions below 1 count, and are empty.
private func substring(_ text: UTF8Text.Bytes, from: Int64, length: Int64?) throws(RowProblem) -> UTF8Text.Bytes {
    let start = max(1, from)
    guard let length else {
        return UTF8Text.part(text, UTF8Text.offset(Int(start - 1), in: text)..<text.count)
    }
    guard length >= 0 else { throw RowProblem("negative substring length not allowed") }
    let end = from + length
    guard end > start else { return UTF8Text.part(text, 0..<0) }
    let first = UTF8Text.offset(Int(start - 1), in: text)
    return UTF8Text.part(text, first..<UTF8Text.offset(Int(end - start), in: text, from: first))
}

/// The field number `index` from the left, or from the right where it is negative; empty where there is none.
private func splitPart(_ text: UTF8Text.Bytes, _ separator: UTF8Text.Bytes, _ index: Int64) throws(RowProblem) -> UTF8Text.Bytes {
    guard index != 0 else { throw RowProblem("field position must not be zero") }
    let nothing = UTF8Text.part(text, 0..<0)
    if text.isEmpty { return nothing }
    if separator.isEmpty { return index == 1 || index == -1 ? text : nothing }
    var wanted = index
    if index < 0 {
        var fields: Int64 = 1
        var at = 0
        while let found = UTF8Text.find(separator, in: text, from: at) {
            fields += 1
            at = found + separator.count
        }
        wanted = fields + index + 1
        if wanted < 1 { return nothing }
    }
    var start = 0
    for _ in 1..<wanted {
        guard let found = UTF8Text.find(separator, in: text, from: start) else { return nothing }
        start = found + separator.count
    }
    return UTF8Text.part(text, start..<(UTF8Text.find(separator, in: text, from: start) ?? text.count))
}

private func characters(_ text: UTF8Text.Bytes) -> [[UInt8]] {
    var result: [[UInt8]] = []
    var at = 0
    while at < text.count {
        let end = min(text.count, at + UTF8Text.width(text[at]))
        result.append(Array(text[at..<end]))
        at = end
    }
    return result
}

/// Where the first character that is not in the set begins.
private func leading(_ text: UTF8Text.Bytes, _ set: [[UInt8]]) -> Int {
    var at = 0
    while at < text.count {
        let end = min(text.count, at + UTF8Text.width(text[at]))
        guard set.contains(where: { $0.elementsEqual(text[at..<end]) }) else { return at }
        at = end
    }
    return at
}

/// Where the last character that is not in the set ends.
private func trailing(_ text: UTF8Text.Bytes, _ set: [[UInt8]], from start: Int) -> Int {
    var end = text.count
    while end > start {
        var at = end - 1
        while UTF8Text.isContinuation(text[at]), at > start { at -= 1 }
        guard set.contains(where: { $0.elementsEqual(text[at..<end]) }) else { return end }
        end = at
    }
    return end
}

/// Each character of `from` becomes the one at its place in `to`, or nothing where `to` is shorter.
private func translate(_ text: UTF8Text.Bytes, _ from: UTF8Text.Bytes, _ to: UTF8Text.Bytes, _ out: inout [UInt8]) {
    let (old, new) = (characters(from), characters(to))
    for character in characters(text) {
        guard let index = old.firstIndex(of: character) else {
            out.append(contentsOf: character)
            continue
        }
        if index < new.count { out.append(contentsOf: new[index]) }
    }
}
