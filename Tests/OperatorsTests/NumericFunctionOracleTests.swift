import ParallaxCore
import Postgres
import TestSupport
import Testing

@testable import Operators

/// sqrt, power, exp, ln and log of numerics: PostgreSQL's value with its scale and each of its digits, or its error.
@Suite struct NumericFunctionOracleTests {
    struct Question {
        var function: String
        var a: String
        var b: String
    }

    @Test(arguments: [UInt64(91), 92, 93])
    func randomArgumentsAsInPostgreSQL(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var arguments = RandomNumerics(random: random)
        let functions = ["sqrt", "power", "power", "power", "power", "exp", "ln", "log", "div"]
        let questions = (0..<4_000).map { index in
            let function = functions[index % functions.count]
            return Question(
                function: function, a: arguments.value(), b: function == "power" ? arguments.exponent() : arguments.value())
        }
        random = arguments.random
        let result = try compare(questions)
        #expect(result.differences == [], "seed \(seed)")
        // How many of ours are values, and how many errors that PostgreSQL has, too.
        #expect(result.values > 2_000 && result.errors > 300, "seed \(seed): \(result)")
    }

    @Test func cornersAsInPostgreSQL() throws {
        let values = [
            "0", "0.00", "1", "1.000", "-1", "-1.0", "2", "4", "10", "100", "0.1", "0.01", "0.25", "0.5", "-0.5", "-2", "9999", "10000",
            "99999999",
            "0.0001", "0.9", "1.1", "0.90", "1.10", "0.8999", "1.1001", "1.00000000000000000001", "0.99999999999999999999",
            "-1.00000000000000000001",
            "99999999999999999999999999999999999999", "0.00000000000000000000000000000000000001", "0.99999999999998329775",
            "1.00000000000000044750",
            "1.00000000", "1.00000001", "0.99999999", "15241578750190521", "152415787501905210", "123456789.123456789",
            "2.718281828459045235360287",
        ]
        let exponents = [
            "0", "0.0", "1", "-1", "2", "-2", "3", "0.5", "-0.5", "0.50000000000000000000", "1.5", "2.13", "17", "-17", "63", "-63", "125",
            "1000",
            "2147483647", "-2147483648", "2147483648", "-2147483649", "2147483649.5", "100000000000000000000", "0.00000000000000000001",
            "-0.00000000000000000001", "33.3333", "-7.77",
        ]
        var questions = values.flatMap { a in exponents.map { Question(function: "power", a: a, b: $0) } }
        for function in ["sqrt", "exp", "ln"] { questions += values.map { Question(function: function, a: $0, b: "0") } }
        questions += values.flatMap { a in values.map { Question(function: "log", a: a, b: $0) } }
        #expect(try compare(questions).differences == [])
    }

    private func compare(_ questions: [Question]) throws -> (values: Int, errors: Int, tooLong: Int, differences: [String]) {
        let dsn = try TestCluster.shared.freshDatabase()
        defer { try? TestCluster.shared.drop(dsn) }
        let connection = try Connection(dsn)
        defer { connection.close() }
        try connection.execute(Self.script)
        let theirs = try connection.query(
            "SELECT ask(f, a::numeric, b::numeric) FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS q (f, a, b, n) ORDER BY n",
            [
                .text("{\(questions.map(\.function).joined(separator: ","))}"), .text("{\(questions.map(\.a).joined(separator: ","))}"),
                .text("{\(questions.map(\.b).joined(separator: ","))}"),
            ]
        ).rows.map { $0[0] }
        var result = (values: 0, errors: 0, tooLong: 0, differences: [String]())
        for (question, answer) in zip(questions, theirs) {
            // Not asked: PostgreSQL would compute thousands of digits.
            guard let answer else { continue }
            let ours = Self.ours(question)
            if ours.hasPrefix("ERROR: numeric field overflow"), Self.needsMoreThan38Digits(answer) {
                result.tooLong += 1
            } else if ours != answer {
                result.differences.append("\(question.function)(\(question.a), \(question.b)): ours \(ours) theirs \(answer)")
            } else if ours.hasPrefix("ERROR") {
                result.errors += 1
            } else {
                result.values += 1
            }
        }
        return result
    }

    private static func ours(_ question: Question) -> String {
        let (a, b) = (decimal(question.a), decimal(question.b))
        do throws(RowProblem) {
            let value =
                switch question.function {
                case "sqrt": try NumericMath.squareRoot(a)
                case "power": try NumericMath.power(a, b)
                case "exp": try NumericMath.exponential(a)
                case "ln": try NumericMath.logarithm(a)
                case "log": try NumericMath.logarithm(base: a, b)
                default: try NumericMath.wholeQuotient(a, b)
                }
            var text: [UInt8] = []
            value.append(to: &text)
            return String(decoding: text, as: UTF8.self)
        } catch {
            return "ERROR: \(error.message)"
        }
    }

    private static func decimal(_ text: String) -> ScaledDecimal { Array(text.utf8).withUnsafeBytes { ScaledDecimal($0) } }

    private static func needsMoreThan38Digits(_ answer: String) -> Bool {
        if answer == "ERROR: value overflows numeric format" { return true }
        let parts = answer.split(separator: ".")
        let scale = parts.count > 1 ? parts[1].count : 0
        return scale > 38 || answer.filter(\.isNumber).drop { $0 == "0" }.count > 38
    }

    /// Powers of more than 60 digits, and what underflows to a thousand zeros, take PostgreSQL long and are an overflow here.
    private static let script = """
        CREATE FUNCTION ask(f text, a numeric, b numeric) RETURNS text LANGUAGE plpgsql AS $$
        BEGIN
            IF f = 'power' AND a <> 0 AND abs(b::float8 * ln(abs(a)::float8)) > 140 AND (a > 0 OR b = trunc(b)) THEN RETURN NULL; END IF;
            IF f = 'exp' AND abs(a) > 140 THEN RETURN NULL; END IF;
            RETURN CASE f WHEN 'sqrt' THEN sqrt(a) WHEN 'power' THEN power(a, b) WHEN 'exp' THEN exp(a) WHEN 'ln' THEN ln(a)
                WHEN 'log' THEN log(a, b) ELSE div(a, b) END;
        EXCEPTION WHEN OTHERS THEN RETURN 'ERROR: ' || SQLERRM;
        END $$
        """
}

/// Numerics of all magnitudes and scales that have at most 38 digits, as text.
struct RandomNumerics {
    var random: SeededGenerator

    private mutating func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }

    private mutating func digits(_ count: Int) -> String {
        String(Int.random(in: 1...9, using: &random)) + (1..<max(1, count)).map { _ in String(below(10)) }.joined()
    }

    /// unscaled · 10^-scale
    private func text(_ unscaled: Int128, _ scale: Int) -> String {
        var buffer: [UInt8] = []
        TextOutput.append(unscaled, scale: scale, to: &buffer)
        return String(decoding: buffer, as: UTF8.self)
    }

    mutating func value() -> String {
        switch below(12) {
        case 0: return ["0", "0.00", "1", "1.0", "2", "10", "0.5", "-1", "-3", "0.0001", "10000"].randomElement(using: &random) ?? "0"
        case 1, 2:
            // An exact square.
            let root = Int128(below(1_000_000_000))
            return text(root * root, 2 * below(10))
        case 3, 4:
            // Near one.
            let scale = 4 + below(17)
            let distance = Int128(1 + below([10, 1_000, 1_000_000].randomElement(using: &random) ?? 10))
            return text(Decimal128.power(scale) + (below(2) == 0 ? distance : -distance), scale)
        case 5: return text(Int128(below(100_000)) - 20_000, 0)
        case 6, 7: return text(Int128(below(1_000_000)) - 200_000, 2)
        default:
            let scale = below(21)
            let unscaled = Int128(digits(1 + below(38))) ?? 1
            return text(below(8) == 0 ? -unscaled : unscaled, scale)
        }
    }

    mutating func exponent() -> String {
        switch below(8) {
        case 0: value()
        case 1: text(Int128(below(11)), 0)
        case 2: text(-Int128(below(11)), below(2))
        case 3: text(Int128(below(121)) - 60, 0)
        case 4: ["0.5", "-0.5", "1.5", "0.25", "2.5", "0.3333", "-1.5"].randomElement(using: &random) ?? "0.5"
        case 5: text(Int128(below(20_000)) - 10_000, 3 + below(3))
        case 6: text(Int128(digits(1 + below(14))) ?? 1, below(3))
        default: text(Int128(digits(1 + below(20))) ?? 1, 19)
        }
    }
}
