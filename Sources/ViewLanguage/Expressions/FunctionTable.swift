import Columns

/// PostgreSQL's overloads of the scalar functions, as `\df` lists them, in the types of this dialect.
struct FunctionSignature {
    enum Result {
        case type(ScalarType)
        /// The type of the first argument.
        case first
        /// A numeric whose shape depends on the arguments': see `ExpressionCompiler.numericResult`.
        case numeric
    }

    var function: Expression.Function
    var parameters: [TypeClass]
    var result: Result

    private init(_ function: Expression.Function, _ parameters: [TypeClass], _ result: Result) {
        self.function = function
        self.parameters = parameters
        self.result = result
    }

    static let byName: [String: [FunctionSignature]] = {
        var table: [String: [FunctionSignature]] = [:]
        func add(_ names: String..., function: Expression.Function, _ parameters: [TypeClass], _ result: Result) {
            for name in names { table[name, default: []].append(FunctionSignature(function, parameters, result)) }
        }
        add("lower", function: .lower, [.text], .type(.text))
        add("upper", function: .upper, [.text], .type(.text))
        add("initcap", function: .initialCapitals, [.text], .type(.text))
        add("length", "char_length", "character_length", function: .length, [.text], .type(.int4))
        add("octet_length", function: .octetLength, [.text], .type(.int4))
        add("reverse", function: .reverse, [.text], .type(.text))
        add("md5", function: .md5, [.text], .type(.text))
        add("substr", "substring", function: .substring, [.text, .int4], .type(.text))
        add("substr", "substring", function: .substring, [.text, .int4, .int4], .type(.text))
        add("left", function: .left, [.text, .int4], .type(.text))
        add("right", function: .right, [.text, .int4], .type(.text))
        add("split_part", function: .splitPart, [.text, .text, .int4], .type(.text))
        add("replace", function: .replace, [.text, .text, .text], .type(.text))
        add("translate", function: .translate, [.text, .text, .text], .type(.text))
        add("repeat", function: .repeated, [.text, .int4], .type(.text))
        add("lpad", function: .padLeft, [.text, .int4], .type(.text))
        add("lpad", function: .padLeft, [.text, .int4, .text], .type(.text))
        add("rpad", function: .padRight, [.text, .int4], .type(.text))
        add("rpad", function: .padRight, [.text, .int4, .text], .type(.text))
        // `position(a IN b)` arrives as position(b, a).
        add("strpos", "position", function: .position, [.text, .text], .type(.int4))
        add("starts_with", function: .startsWith, [.text, .text], .type(.bool))
        add("btrim", function: .trimBoth, [.text], .type(.text))
        add("btrim", function: .trimBoth, [.text, .text], .type(.text))
        add("ltrim", function: .trimLeading, [.text], .type(.text))
        add("ltrim", function: .trimLeading, [.text, .text], .type(.text))
        add("rtrim", function: .trimTrailing, [.text], .type(.text))
        add("rtrim", function: .trimTrailing, [.text, .text], .type(.text))

        add("jsonb_typeof", function: .jsonType, [.jsonb], .type(.text))
        add("jsonb_array_length", function: .jsonLength, [.jsonb], .type(.int4))

        add("justify_hours", function: .justifyHours, [.interval], .type(.interval))
        add("justify_days", function: .justifyDays, [.interval], .type(.interval))
        add("justify_interval", function: .justifyInterval, [.interval], .type(.interval))

        for kind in [TypeClass.int2, .int4, .int8, .numeric, .float4, .float8] { add("abs", function: .absolute, [kind], .first) }
        for (names, function) in [
            (["ceil", "ceiling"], Expression.Function.ceiling), (["floor"], .floor), (["round"], .round), (["trunc"], .truncate),
            (["sign"], .sign),
        ] {
            for name in names {
                add(name, function: function, [.numeric], .numeric)
                add(name, function: function, [.float8], .first)
            }
        }
        add("round", function: .round, [.numeric, .int4], .numeric)
        add("trunc", function: .truncate, [.numeric, .int4], .numeric)
        for (names, function) in [
            (["sqrt"], Expression.Function.squareRoot), (["exp"], .exponential), (["ln"], .naturalLogarithm),
            (["log", "log10"], .decimalLogarithm),
        ] {
            for name in names {
                add(name, function: function, [.float8], .first)
                add(name, function: function, [.numeric], .numeric)
            }
        }
        add("log", function: .logarithm, [.numeric, .numeric], .numeric)
        add("cbrt", function: .cubeRoot, [.float8], .first)
        add("div", function: .wholeQuotient, [.numeric, .numeric], .numeric)
        add("power", "pow", function: .power, [.float8, .float8], .first)
        add("power", "pow", function: .power, [.numeric, .numeric], .numeric)
        add("width_bucket", function: .widthBucket, [.float8, .float8, .float8, .int4], .type(.int4))
        add("width_bucket", function: .widthBucket, [.numeric, .numeric, .numeric, .int4], .numeric)
        return table
    }()

    /// Functions that the compiler makes something else of.
    static let special: Set<String> = [
        "concat", "concat_ws", "mod", "jsonb_extract_path", "jsonb_extract_path_text", "array_length", "cardinality",
        "extract", "date_part", "date_trunc", "date_bin", "timezone", "to_timestamp", "regexp_like",
    ]
    static let names = Array(byName.keys) + Array(special)

    func accepts(_ arguments: [TypeClass?]) -> Bool {
        arguments.count == parameters.count
            && zip(arguments, parameters).allSatisfy { argument, parameter in
                guard let argument, argument != parameter else { return true }
                if argument == .bpchar, parameter == .text { return true }
                guard let from = argument.numberRank, let to = parameter.numberRank else { return false }
                return from < to
            }
    }

    func exactMatches(_ arguments: [TypeClass?]) -> Int { zip(arguments, parameters).count { $0 == $1 } }

    /// PostgreSQL's preferred types of the categories of numbers, texts and times.
    func preferredMatches(_ arguments: [TypeClass?]) -> Int {
        zip(arguments, parameters).count { $0 == $1 || $1.isPreferred }
    }
}

extension TypeClass {
    var isPreferred: Bool { [.text, .float8, .bool, .timestamptz].contains(self) }
}
