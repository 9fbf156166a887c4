import ParallaxCore

/// The name in a function call.
struct FunctionName {
    let parts: [String]

    init(_ body: SyntaxNode) { parts = body["funcname"]?.names ?? [] }

    var last: String { parts.last ?? "" }
    var shown: String { parts.joined(separator: ".") }
    var isQualified: Bool { parts.count > 1 }
    var isBuiltIn: Bool { parts.count == 2 && parts[0] == "pg_catalog" }
    var isAggregate: Bool { Self.aggregates.contains(last) || Self.unsupportedAggregates.contains(last) }

    static let aggregates = [
        "count", "sum", "avg", "min", "max", "bool_and", "bool_or", "every", "bit_and", "bit_or", "bit_xor", "stddev", "stddev_pop",
        "stddev_samp", "variance", "var_pop",
        "var_samp", "percentile_cont", "percentile_disc", "first", "last",
    ]

    /// PostgreSQL's aggregates that no measure stands for yet.
    static let unsupportedAggregates: Set<String> = [
        "array_agg", "string_agg", "json_agg", "jsonb_agg",
        "json_object_agg", "jsonb_object_agg", "xmlagg", "range_agg", "corr", "covar_pop", "covar_samp", "regr_avgx", "regr_avgy",
        "regr_count", "regr_intercept", "regr_r2",
        "regr_slope", "regr_sxx", "regr_sxy", "regr_syy", "mode",
    ]

    /// Functions whose result differs from call to call or from session to session: two layers could not agree on it.
    private static let nonDeterministicNames: Set<String> = [
        "now", "random", "setseed", "clock_timestamp", "statement_timestamp", "transaction_timestamp", "timeofday",
        "gen_random_uuid", "uuid_generate_v1", "uuid_generate_v4", "nextval", "currval", "lastval", "current_setting",
        "pg_backend_pid", "txid_current", "pg_current_xact_id", "age", "version", "pg_sleep",
    ]

    /// PostgreSQL's functions that people reach for and that this dialect lacks, yet.
    private static let lacking: Set<String> = [
        "gcd", "lcm", "degrees", "radians", "sin", "cos", "tan", "pi", "factorial", "scale",
        "trim_scale", "format", "ascii", "chr", "to_hex", "quote_literal", "quote_ident", "encode", "decode", "sha256",
        "regexp_replace", "regexp_match", "regexp_matches", "regexp_count", "regexp_instr", "regexp_substr", "overlay", "bit_length",
        "to_char", "to_date", "to_number",
        "make_interval", "make_timestamptz", "make_date", "make_time", "make_timestamp", "isfinite", "hop", "session", "window_start",
        "window_end", "hashtext",
        "json_extract_path_text", "jsonb_path_query", "jsonb_path_match", "jsonb_path_query_first", "jsonb_set", "jsonb_each",
        "jsonb_object_keys", "jsonb_array_elements", "jsonb_array_elements_text", "jsonb_pretty", "jsonb_strip_nulls", "to_jsonb",
        "jsonb_build_object", "jsonb_build_array", "array_position", "array_to_string", "string_to_array", "array_append", "array_cat",
        "array_remove", "array_upper", "array_lower", "array_ndims", "generate_series",
        "num_nonnulls", "num_nulls",
    ]

    static let supportedHint = "docs/reference/sql.md lists the functions that a view may use"

    /// Nil for a name that nobody knows.
    func knownRefusal(at offset: Int) -> Refusal? {
        if Self.nonDeterministicNames.contains(last) { return Self.nonDeterministic("\(last)()", at: offset) }
        if Self.unsupportedAggregates.contains(last) {
            return Refusal(
                offset, "aggregate \(last) is not supported yet", hint: "supported aggregates: \(Self.aggregates.joined(separator: ", "))")
        }
        switch last {
        case "unnest":
            return Refusal(
                offset, "unnest is not supported: an event stands for one row", hint: "tags[1], x = ANY (tags) and cardinality(tags) are")
        case "jsonb_path_exists":
            return Refusal(
                offset, "jsonb_path_exists is not supported: the view language has no JSON paths with conditions",
                hint: "x #> '{a,b}' IS NOT NULL asks whether a field is there")
        default: break
        }
        if Self.lacking.contains(last) { return Refusal(offset, "function \(last) is not supported yet", hint: Self.supportedHint) }
        return nil
    }

    func unknownRefusal(arguments: [String], at offset: Int) -> Refusal {
        let nearest = nearestName(to: last, among: Self.aggregates + ["tumble", "session", "coalesce"] + FunctionSignature.names)
        return Refusal(
            offset, "function \(shown)(\(arguments.joined(separator: ", "))) does not exist",
            hint: nearest.map(didYouMean) ?? Self.supportedHint)
    }

    static func nonDeterministic(_ function: String, at offset: Int) -> Refusal {
        Refusal(
            offset, "\(function) is not deterministic: a view must give the same result at any time",
            hint: "use a column of the event, or filter in a CREATE VIEW on top of this view")
    }
}
