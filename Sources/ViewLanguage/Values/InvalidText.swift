/// Text that is not a value of its type, in PostgreSQL's words.
struct InvalidText: Error, Hashable {
    var message: String
    var hint: String?

    init(_ message: String, hint: String? = nil) {
        self.message = message
        self.hint = hint
    }

    static func syntax(_ type: String, _ text: String) -> InvalidText {
        InvalidText("invalid input syntax for type \(type): \"\(text)\"")
    }
}
