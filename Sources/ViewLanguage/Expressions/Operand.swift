import Columns

/// An expression while it is compiled: typed, or a constant whose type the context decides (PostgreSQL's type "unknown").
struct Operand {
    enum Value {
        case typed(Expression)
        /// A quoted constant, or NULL for nil.
        case unknown(String?)
    }
    var value: Value
    /// Where its text begins: bytes in the file.
    var offset: Int

    init(_ expression: Expression, at offset: Int) {
        value = .typed(expression)
        self.offset = offset
    }

    init(unknown text: String?, at offset: Int) {
        value = .unknown(text)
        self.offset = offset
    }

    /// Nil for an unknown constant.
    var typeClass: TypeClass? {
        if case .typed(let expression) = value { expression.type.typeClass } else { nil }
    }

    var sqlTypeName: String { typeClass?.sqlName ?? "unknown" }
}
