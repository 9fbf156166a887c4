import Columns
import ParallaxCore
import ViewLanguage

/// Evaluates expressions over the columns of one batch, a whole vector a step: the tree is walked once a batch, never once a row.
///
/// value(expression, row) = what PostgreSQL computes for that row, or an entry in `errors` with the message that PostgreSQL would raise.
/// A row in error reads as null from there on; its first error is kept. Operands that PostgreSQL would not look at for a row
/// (right of a false AND, behind the first non-null of COALESCE) are not evaluated for it.
struct Evaluator {
    let batch: EventBatch
    var errors = RowErrors()
    /// One entry a lookup of the plan, as far as they are done.
    var joined: [JoinedRows] = []

    init(_ batch: EventBatch) { self.batch = batch }

    /// - Parameter rows: ascending rows of the batch.
    mutating func evaluate(_ expression: Expression, _ rows: [Int32]) -> Vector {
        guard !rows.isEmpty else { return Vector(type: expression.type, values: .init(zerosFor: expression.type, count: 0), nulls: []) }
        switch expression {
        case .column(let index, _):
            guard let column = batch.columns[index] else { preconditionFailure("the batch was read without column \(index)") }
            return Vector(column, rows: rows)
        case .lookup(let lookup, let column, _): return looked(up: lookup, column, rows)
        case .literal(let literal, let type): return Vector(literal, type)
        case .compare(let comparison, let left, let right):
            let a = evaluate(left, rows)
            let b = evaluate(right, rows)
            return compare(comparison, a, b, count: rows.count)
        case .arithmetic(let operation, let left, let right, let type):
            let a = evaluate(left, rows)
            let b = evaluate(right, rows)
            return arithmetic(operation, a, b, type, rows)
        case .negate(let operand, let type): return negate(evaluate(operand, rows), type, rows)
        case .not(let operand): return not(evaluate(operand, rows))
        case .and(let operands): return connect(operands, rows, decisive: 0)
        case .or(let operands): return connect(operands, rows, decisive: 1)
        case .isNull(let operand): return nullTest(evaluate(operand, rows), rows.count, isNull: true)
        case .isNotNull(let operand): return nullTest(evaluate(operand, rows), rows.count, isNull: false)
        case .isTruth(let operand, let truth, let isNegated): return truthTest(evaluate(operand, rows), rows.count, truth, isNegated)
        case .inList(let operand, let list): return inList(operand, list, rows)
        case .cast(let operand, let type): return cast(evaluate(operand, rows), to: type, rows)
        case .coalesce(let operands, let type): return coalesce(operands, type, rows)
        case .choice(let branches, let otherwise, let type): return choice(branches, otherwise: otherwise, type, rows)
        case .call(let function, let arguments, let type): return call(function, arguments, type, rows)
        }
    }

    /// The rows for which a condition is true (neither false nor unknown).
    mutating func rowsWhere(_ condition: Expression, _ rows: [Int32]) -> [Int32] {
        gather(rows, positionsWhere(condition, rows))
    }

    /// The positions in `rows` for which a condition is true.
    mutating func positionsWhere(_ condition: Expression, _ rows: [Int32]) -> [Int32] {
        let vector = evaluate(condition, rows).spread(rows.count)
        guard case .bool(let values) = vector.values else { preconditionFailure("a condition of type \(vector.type)") }
        return [Int32](unsafeUninitializedCapacity: rows.count) { target, count in
            values.withUnsafeBufferPointer { values in
                vector.nulls.withUnsafeBufferPointer { nulls in
                    for position in 0..<rows.count {
                        // Written always, kept where true: no branch to mispredict.
                        target.initializeElement(at: count, to: Int32(truncatingIfNeeded: position))
                        count += Int(nulls.isEmpty ? values[position] : values[position] & (nulls[position] ^ 1))
                    }
                }
            }
        }
    }
}

/// The rows of a batch that PostgreSQL would raise an error for, each with its first message.
struct RowErrors {
    private(set) var messages: [Int32: String] = [:]

    var isEmpty: Bool { messages.isEmpty }

    mutating func add(_ row: Int32, _ message: String) {
        if messages[row] == nil { messages[row] = message }
    }
}

extension Vector {
    init(_ literal: Literal, _ type: ScalarType) {
        self = .null(type)
        switch literal {
        case .null: return
        case .bool(let value): values = .bool([value ? 1 : 0])
        case .int(let value): values = .int64([value])
        case .float(let value): values = .float64([value])
        case .text(let value):
            let bytes = Array(value.utf8)
            values = .text(TextValues(bytes: bytes, starts: [0], ends: [bytes.count]))
        case .decimal(let digits):
            guard let unscaled = Int128(digits) else { preconditionFailure("a decimal constant of \(digits)") }
            values = type.isNarrowNumeric ? .int64([Int64(unscaled)]) : .int128([unscaled])
        case .interval(let interval): values = .bits128([interval.bits])
        case .uuid(let text):
            guard case .success(let bits) = Array(text.utf8).withUnsafeBytes({ TextInput.read($0, as: .uuid) }) else {
                preconditionFailure("a uuid constant of \(text)")
            }
            values = .bits128([bits])
        }
        nulls = []
    }
}
