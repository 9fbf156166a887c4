import Columns
import ViewLanguage

// Source of the rules: PostgreSQL 15, src/backend/utils/adt/{jsonfuncs.c, jsonb_op.c}.

extension Evaluator {
    mutating func json(_ function: Expression.Function, _ arguments: [Vector], _ type: ScalarType, _ frame: CallFrame) -> Vector {
        switch function {
        case .jsonHasField:
            return truths(arguments, frame) { (texts, row) throws(RowProblem) in
                let name = JSONText.quoted(texts[1][row])
                switch JSONKind(texts[0][row]) {
                case .object: return JSONText.field(texts[0][row], name) != nil
                case .array: return JSONText.elements(texts[0][row]).contains { $0.elementsEqual(name) }
                case .string: return texts[0][row].elementsEqual(name)
                default: return false
                }
            }
        case .jsonType:
            return found(arguments, .text, frame) { (texts, row, out) throws(RowProblem) in
                out += JSONKind(texts[0][row]).rawValue.utf8
                return true
            }
        case .jsonLength:
            var evaluator = self
            let lengths = withTexts(arguments) { texts in
                evaluator.values(frame, zero: Int64(0)) { (row) throws(RowProblem) -> Int64 in
                    switch JSONKind(texts[0][row]) {
                    case .array: return Int64(JSONText.elements(texts[0][row]).count)
                    case .object: throw RowProblem("cannot get array length of a non-array")
                    default: throw RowProblem("cannot get array length of a scalar")
                    }
                }
            }
            errors = evaluator.errors
            return Vector(type: type, values: .int64(lengths.values), nulls: lengths.nulls, isConstant: frame.isConstant)
        default: break
        }
        let index = function == .jsonElement || function == .jsonElementText ? IntegerArgument(arguments[1]) : nil
        let texts = index == nil ? arguments : [arguments[0]]
        return found(texts, type, frame) { (texts, row, out) throws(RowProblem) in
            let value: UnsafeRawBufferPointer?
            switch function {
            case .jsonField, .jsonFieldText: value = JSONText.field(texts[0][row], JSONText.quoted(texts[1][row]))
            case .jsonElement, .jsonElementText: value = JSONText.element(texts[0][row], Int(index?[row] ?? 0))
            default:
                // A null among the names leads nowhere.
                let names = ArrayText.elements(texts[1][row])?.compactMap { $0 }
                guard let names, names.count == ArrayText.elements(texts[1][row])?.count else { return false }
                value = JSONText.path(texts[0][row], names)
            }
            guard let value else { return false }
            if type == .text { return JSONText.appendText(value, to: &out) }
            out.append(contentsOf: value)
            return true
        }
    }

    /// One text a row that has no null argument; null where the body says false.
    mutating func found(
        _ arguments: [Vector], _ type: ScalarType, _ frame: CallFrame,
        _ body: ([TextArgument], Int, inout [UInt8]) throws(RowProblem) -> Bool
    ) -> Vector {
        var missing: [Int] = []
        var evaluator = self
        var result = withTexts(arguments) { texts in
            evaluator.texts(frame) { (row, out) throws(RowProblem) in if try !body(texts, row, &out) { missing.append(row) } }
        }
        errors = evaluator.errors
        result.type = type
        if !missing.isEmpty {
            if result.nulls.isEmpty { result.nulls = [UInt8](repeating: 0, count: frame.count) }
            for row in missing { result.nulls[row] = 1 }
        }
        return result
    }

    mutating func truths(
        _ arguments: [Vector], _ frame: CallFrame, _ body: ([TextArgument], Int) throws(RowProblem) -> Bool
    ) -> Vector {
        var evaluator = self
        let found = withTexts(arguments) { texts in
            evaluator.values(frame, zero: UInt8(0)) { (row) throws(RowProblem) in try body(texts, row) ? 1 : 0 }
        }
        errors = evaluator.errors
        return Vector(type: .bool, values: .bool(found.values), nulls: found.nulls, isConstant: frame.isConstant)
    }
}
