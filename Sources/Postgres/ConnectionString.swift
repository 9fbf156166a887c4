import CPostgres
import ParallaxCore

extension Connection {
    /// Throws `.configuration` where libpq cannot read the DSN, in libpq's words but never with a password in them.
    static func checkSyntax(of dsn: String) throws(ParallaxError) {
        // Anything else is the bare name of a database.
        guard dsn.contains("=") || dsn.hasPrefix("postgresql://") || dsn.hasPrefix("postgres://") else { return }
        // libpq takes what follows the first @ for the host, and would show the rest of the password as one.
        let authority = dsn.firstMatch(of: /^[a-z]+:\/\/([^\/?]*)/)?.1 ?? ""
        guard authority.count(where: { $0 == "@" }) <= 1 else {
            throw ParallaxError(
                .configuration, "the PostgreSQL connection string has more than one @ before the database",
                hint: "Write an @ of a user name or password as %40.")
        }
        var words: UnsafeMutablePointer<CChar>?
        if let options = PQconninfoParse(dsn, &words) {
            PQconninfoFree(options)
            return
        }
        defer { PQfreemem(words) }
        let text = words.map { String(cString: $0).trimmingNewlines } ?? "out of memory"
        throw ParallaxError(
            .configuration, "the PostgreSQL connection string cannot be read: \(withoutSecrets(text, of: dsn))",
            hint: "It looks like postgresql://user@host:5432/database or host=… dbname=… user=…")
    }

    /// libpq quotes the piece that it stumbled over, which may be a piece of a password (one with a space, say). Where the DSN may hold
    /// one, quoted words stay only if they are libpq's own keywords or single characters.
    private static func withoutSecrets(_ text: String, of dsn: String) -> String {
        guard dsn.contains("password") || dsn.contains("@") else { return text }
        var harmless: Set<String> = []
        if let options = PQconndefaults() {
            defer { PQconninfoFree(options) }
            var option = options
            while let name = option.pointee.keyword {
                harmless.insert(String(cString: name))
                option += 1
            }
        }
        return text.split(separator: "\"", omittingEmptySubsequences: false).enumerated().map { index, piece in
            index % 2 == 0 || piece.count <= 1 || harmless.contains(String(piece)) ? String(piece) : "…"
        }.joined(separator: "\"")
    }

    /// What a DSN says, by libpq's keywords. Throws `.configuration`.
    public static func parts(of dsn: String) throws(ParallaxError) -> [String: String] {
        guard dsn.contains("=") || dsn.hasPrefix("postgresql://") || dsn.hasPrefix("postgres://") else { return ["dbname": dsn] }
        try checkSyntax(of: dsn)
        guard let options = PQconninfoParse(dsn, nil) else {
            throw ParallaxError(.internalInconsistency, "libpq cannot read a connection string that it has just read")
        }
        defer { PQconninfoFree(options) }
        var parts: [String: String] = [:]
        var option = options
        while let name = option.pointee.keyword {
            if let value = option.pointee.val { parts[String(cString: name)] = String(cString: value) }
            option += 1
        }
        return parts
    }

    /// `postgresql://user@/database?host=…`: the form that SQLAlchemy and psycopg take. A socket's folder is a parameter, everything is percent-encoded.
    public static func url(of parts: [String: String]) -> String {
        var rest = parts
        func take(_ name: String) -> String? { rest.removeValue(forKey: name) }
        var authority = take("user").map { percentEncoded($0) } ?? ""
        if let password = take("password") { authority += ":" + percentEncoded(password) }
        if !authority.isEmpty { authority += "@" }
        // Several hosts, and sockets, have no place in a URL's own form that all programs read.
        if let host = parts["host"], !host.hasPrefix("/"), !host.hasPrefix("@"), !host.contains(","), !(parts["port"] ?? "").contains(",") {
            authority += host.contains(":") ? "[\(host)]" : percentEncoded(host)
            if let port = take("port") { authority += ":" + port }
            rest["host"] = nil
        }
        let database = take("dbname").map { percentEncoded($0) } ?? ""
        let parameters = rest.sorted { $0.key < $1.key }.map { "\($0.key)=\(percentEncoded($0.value))" }
        return "postgresql://\(authority)/\(database)" + (parameters.isEmpty ? "" : "?" + parameters.joined(separator: "&"))
    }

    /// The keyword form: `host=… user=…`.
    public static func keywords(of parts: [String: String]) -> String {
        parts.sorted { $0.key < $1.key }.map { (name, value) -> String in
            let isPlain = !value.isEmpty && value.allSatisfy { !$0.isWhitespace && $0 != "'" && $0 != "\\" }
            return "\(name)=" + (isPlain ? value : "'" + value.replacing("\\", with: "\\\\").replacing("'", with: "\\'") + "'")
        }.joined(separator: " ")
    }

    /// The DSN as libpq's environment variables (`PGHOST`, `PGPASSWORD` …), for a child such as psql: a password on its command line would
    /// stand in the list of processes. Parts that have no variable are left out. Throws `.configuration`.
    public static func environment(for dsn: String) throws(ParallaxError) -> [String: String] {
        guard dsn.contains("=") || dsn.hasPrefix("postgresql://") || dsn.hasPrefix("postgres://") else { return ["PGDATABASE": dsn] }
        try checkSyntax(of: dsn)
        guard let options = PQconninfoParse(dsn, nil) else {
            throw ParallaxError(.internalInconsistency, "libpq cannot read a connection string that it has just read")
        }
        defer { PQconninfoFree(options) }
        var variables: [String: String] = [:]
        var option = options
        while option.pointee.keyword != nil {
            if let name = option.pointee.envvar, let value = option.pointee.val {
                variables[String(cString: name)] = String(cString: value)
            }
            option += 1
        }
        return variables
    }

    /// The DSN to show to people: `postgresql://ann:***@host/db`, `host=h password=***`. Where a password holds what it should have
    /// encoded (/, @), it rather hides too much.
    public static func masked(_ dsn: String) -> String {
        dsn.replacing(/(:\/\/[^:@\/?]*:)\S*@/) { "\($0.1)***@" }
            .replacing(/(password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]*)/) { "\($0.1)***" }
    }
}
