import Columns
import ViewLanguage

// Arrays are kept in PostgreSQL's text form; what is asked of one is read from it.

extension Evaluator {
    mutating func array(_ function: Expression.Function, _ arguments: [Expression], _ type: ScalarType, _ rows: [Int32]) -> Vector {
        if function == .makeArray { return makeArray(arguments, type, rows) }
        let values = arguments.map { evaluate($0, rows) }
        let frame = CallFrame(values, rows: rows)
        switch function {
        case .compareAny, .compareAll: return quantified(values, isAny: function == .compareAny, rows)
        case .arrayElement: return element(values, type, frame, rows)
        default:
            let dimension = values.count > 1 ? IntegerArgument(values[1]) : nil
            var missing: [Int] = []
            var evaluator = self
            let found = withTexts([values[0]]) { texts in
                evaluator.values(frame, zero: Int64(0)) { (row) throws(RowProblem) -> Int64 in
                    let count = Self.elements(texts[0][row]).count
                    // An empty array has no dimensions.
                    if let dimension, count == 0 || dimension[row] != 1 { missing.append(row) }
                    return Int64(count)
                }
            }
            errors = evaluator.errors
            var result = Vector(type: type, values: .int64(found.values), nulls: found.nulls, isConstant: frame.isConstant)
            if !missing.isEmpty {
                if result.nulls.isEmpty { result.nulls = [UInt8](repeating: 0, count: frame.count) }
                for row in missing { result.nulls[row] = 1 }
            }
            return result
        }
    }

    private static func elements(_ text: UnsafeRawBufferPointer) -> [[UInt8]?] {
        guard let elements = ArrayText.elements(text) else { preconditionFailure("an array that PostgreSQL would not write") }
        return elements
    }

    private mutating func makeArray(_ arguments: [Expression], _ type: ScalarType, _ rows: [Int32]) -> Vector {
        guard case .array(let element) = type else { preconditionFailure("\(type) is no array") }
        let vectors = arguments.map { argument in
            let value = evaluate(argument, rows)
            return cast(value, to: element, rows)
        }
        // Elements of text keep their own; of other types, as their output functions write them (truth values as one letter).
        let texts = vectors.map { vector -> Vector in
            var result = vector
            if case .bool(let values) = vector.values {
                result.values = .text(rendered(values, vector.isConstant) { $1.append($0 == 0 ? UInt8(ascii: "f") : UInt8(ascii: "t")) })
            } else {
                result.values = .text(toText(vector))
            }
            return result
        }
        let frame = CallFrame([], rows: rows, count: rows.count)
        var evaluator = self
        var result = withTexts(texts) { arguments in
            evaluator.texts(frame) { (row, out) throws(RowProblem) in
                ArrayText.append(arguments.indices.map { texts[$0].isNull(row) ? nil : Array(arguments[$0][row]) }, to: &out)
            }
        }
        errors = evaluator.errors
        result.type = type
        return result
    }

    private mutating func element(_ values: [Vector], _ type: ScalarType, _ frame: CallFrame, _ rows: [Int32]) -> Vector {
        let index = IntegerArgument(values[1])
        let text = found([values[0]], .text, frame) { (texts, row, out) throws(RowProblem) in
            let elements = Self.elements(texts[0][row])
            guard index[row] >= 1, index[row] <= elements.count, let element = elements[Int(index[row]) - 1] else { return false }
            out += element
            return true
        }
        return fromElements(text, type, rows)
    }

    /// What stands in an array as a value of the element's type.
    private mutating func fromElements(_ text: Vector, _ type: ScalarType, _ rows: [Int32]) -> Vector {
        guard type.layout != .text else {
            var result = text
            result.type = type
            return result
        }
        return cast(text, to: type, rows)
    }

    /// The comparison of a value with each element, all rows' elements in one vector; three-valued.
    private mutating func quantified(_ values: [Vector], isAny: Bool, _ rows: [Int32]) -> Vector {
        guard case .text(let name) = values[0].values, case .array(let elementType) = values[2].type,
            let comparison = Expression.Comparison(rawValue: String(decoding: name.bytes[name.starts[0]..<name.ends[0]], as: UTF8.self))
        else { preconditionFailure("a comparison with an array that is none") }
        let value = values[1].spread(rows.count)
        let array = values[2].spread(rows.count)
        guard case .text(let texts) = array.values else { preconditionFailure("\(array.type) is no array") }
        var owners: [Int32] = []
        var flat = TextValues(bytes: [], starts: [], ends: [])
        var nulls: [UInt8] = []
        texts.bytes.withUnsafeBytes { bytes in
            for row in rows.indices where !array.isNull(row) {
                for element in Self.elements(UnsafeRawBufferPointer(rebasing: bytes[texts.starts[row]..<texts.ends[row]])) {
                    owners.append(Int32(row))
                    flat.starts.append(flat.bytes.count)
                    flat.bytes += element ?? []
                    flat.ends.append(flat.bytes.count)
                    nulls.append(element == nil ? 1 : 0)
                }
            }
        }
        let text = Vector(type: .text, values: .text(flat), nulls: nulls.contains(1) ? nulls : [])
        let flatRows = owners.map { rows[Int($0)] }
        var wanted = value.at(owners)
        var elements = fromElements(text, elementType, flatRows)
        switch (wanted.type, elementType) {
        // Numerics of any two scales are compared as they are.
        case (.numeric, .numeric): break
        // So are texts of any two lengths: blanks at the end of a char are not kept.
        case _ where wanted.type.isCharacters && elementType.isCharacters: break
        case (.numeric, _), (_, .numeric):
            let target = wanted.type.layout == .float64 ? wanted.type : .decimal
            wanted = cast(wanted, to: target, flatRows)
            elements = cast(elements, to: target, flatRows)
        default: elements = cast(elements, to: wanted.type, flatRows)
        }
        let compared = compare(comparison, wanted, elements, count: owners.count).spread(owners.count)
        guard case .bool(let truths) = compared.values else { preconditionFailure("a comparison of type \(compared.type)") }
        // ANY: true wins over unknown, unknown over false. ALL: false wins, then unknown.
        let decisive: UInt8 = isAny ? 1 : 0
        var results = [UInt8](repeating: decisive ^ 1, count: rows.count)
        var unknown = [UInt8](repeating: 0, count: rows.count)
        for (index, owner) in owners.enumerated() {
            if compared.isNull(index) { unknown[Int(owner)] = 1 } else if truths[index] == decisive { results[Int(owner)] = decisive }
        }
        for row in rows.indices { unknown[row] = array.isNull(row) ? 1 : results[row] == decisive ? 0 : unknown[row] }
        return Vector(type: .bool, values: .bool(results), nulls: unknown.contains(1) ? unknown : [])
    }
}
