import ArgumentParser
import Catalog
import ParallaxCore
import ServingAPI

struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Tokens of the HTTP API: who may ask, and for what.",
        discussion: discussion(
            "Once there is one, every request needs one.", example: "parallax token create --view traffic_by_page --pipeline demo"),
        subcommands: [TokenCreateCommand.self, TokenListCommand.self, TokenRevokeCommand.self])
}

extension AccessScope: ExpressibleByArgument {}

struct TokenCreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make a token, and print it once.",
        discussion: discussion(
            """
            Only its SHA-256 is kept: whoever loses it makes another one. Programs send it as Authorization: Bearer TOKEN. Once there is one, every request needs \
            one (see serve.auth). Scopes: read, ingest, runs (see, start, publish, discard and revert them), payloads (of rejected records, and of events behind rows), admin (all of them but \
            payloads; status and the audit, too). Without any: read.
            """,
            example: "parallax token create --view traffic_by_page --expires 30d --name grafana --pipeline demo",
            "curl -s -H \"Authorization: Bearer $TOKEN\" http://127.0.0.1:8321/v1/views"))

    @OptionGroup var options: PipelineOptions
    @Option(
        name: .customLong("view"), parsing: .singleValue,
        help: ArgumentHelp("Reads this view alone. May be given several times.", valueName: "view"),
        completion: .viewNames)
    var views: [String] = []
    @Option(
        name: .customLong("source"), parsing: .singleValue,
        help: ArgumentHelp("For ingest and runs: this source alone. May be given several times.", valueName: "source"),
        completion: .sourceNames)
    var sources: [String] = []
    @Option(
        name: .customLong("scope"), parsing: .singleValue,
        help: ArgumentHelp("read, ingest, runs, payloads or admin. May be given several times.", valueName: "scope"))
    var scopes: [AccessScope] = []
    @Option(help: ArgumentHelp("How long it is valid, as in 30d; without it: until it is revoked.", valueName: "time")) var expires: String?
    @Option(help: ArgumentHelp("As lists and the audit call it.", valueName: "name")) var name: String?
    @Flag(help: "Print JSON.") var json = false

    private static let maxNameCharacters = 100

    private var wanted: Set<AccessScope> { scopes.isEmpty ? [.read] : Set(scopes) }

    func validate() throws {
        if wanted.contains(.admin) && !(views.isEmpty && sources.isEmpty) {
            throw ValidationError("--scope admin is for everything: it goes with neither --view nor --source.")
        }
        if !views.isEmpty && !wanted.contains(.read) { throw ValidationError("--view needs --scope read.") }
        if !sources.isEmpty && wanted.isDisjoint(with: [.ingest, .runs]) {
            throw ValidationError("--source needs --scope ingest or runs.")
        }
        if let expires, Duration(words: expires).map({ $0 <= .zero }) ?? true {
            throw ValidationError("--expires takes a number and a unit, as in 30d or 12h.")
        }
        if let name, name.isEmpty || name.count > Self.maxNameCharacters || name.contains(where: \.isNewline) {
            throw ValidationError("--name takes one line of at most \(Self.maxNameCharacters) characters.")
        }
    }

    func run() throws {
        let token = TokenText.random()
        let made = try Database.with(options.pipeline()) { connection in
            let catalog = try requireAppliedByCaller(connection)
            // A name that is spelt wrongly would read nothing, and nobody would know why.
            let known = (views: try catalog.namesOfViews(), sources: try catalog.sources().map(\.name))
            for view in views where !known.views.contains(view) {
                throw ParallaxError(
                    .usage, "there is no view \"\(view)\"", hint: nameHint(for: view, among: known.views, listedAs: "views"))
            }
            for source in sources where !known.sources.contains(source) {
                throw ParallaxError(
                    .usage, "there is no source \"\(source)\"", hint: nameHint(for: source, among: known.sources, listedAs: "sources"))
            }
            return try catalog.createToken(
                hash: TokenText.hash(of: token), name: name, scopes: wanted, views: views.isEmpty ? nil : views,
                sources: sources.isEmpty ? nil : sources, lifetime: expires.flatMap { Duration(words: $0) })
        }
        if json { return Terminal.print(made.json.adding("token", .string(token)).text()) }
        Terminal.note("token \(made.id) (\(made.name)): \(made.mayText); keep it, it is not shown again")
        Terminal.print(token)
    }
}

struct TokenListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "The tokens that were made; not the tokens themselves.",
        discussion: discussion("", example: "parallax token list --pipeline demo"))

    @OptionGroup var options: PipelineOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let tokens = try Database.with(options.pipeline()) { try requireApplied($0).tokens() }
        if json { return Terminal.print(JSONText.array(tokens.map(\.json)).text()) }
        var table = Table(("id", .right), ("name", .left), ("may", .left), ("state", .left), ("made", .left), ("last used", .left))
        for token in tokens {
            table.rows.append([
                "\(token.id)", token.name, token.mayText, token.stateText, "\(token.createdAt.text) by \(token.createdBy)",
                token.lastUsedAt?.text ?? "never",
            ])
        }
        Terminal.write(table.text(), to: 1)
    }
}

struct TokenRevokeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Take a token back: within seconds it opens nothing any more.",
        discussion: discussion(
            "Requests need a token all the same, also where it was the last one; serve.auth: off ends that.",
            example: "parallax token revoke 3 --pipeline demo"))

    @OptionGroup var options: PipelineOptions
    @Argument(help: ArgumentHelp("The token's number, as parallax token list shows it.", valueName: "id")) var id: Int64

    func run() throws {
        let token = try Database.with(options.pipeline()) { try requireAppliedByCaller($0).revokeToken(id) }
        Terminal.print("token \(token.id) (\(token.name)) is revoked")
    }
}

extension AccessToken {
    /// `read of traffic_by_page; runs`.
    fileprivate var mayText: String {
        scopes.map(\.rawValue).sorted().map { scope in
            switch scope {
            case AccessScope.read.rawValue: scope + (views.map { " of " + $0.joined(separator: ", ") } ?? "")
            case AccessScope.ingest.rawValue, AccessScope.runs.rawValue: scope + (sources.map { " of " + $0.joined(separator: ", ") } ?? "")
            default: scope
            }
        }.joined(separator: "; ")
    }

    fileprivate var stateText: String {
        if let revokedAt { return "revoked \(revokedAt.text)" }
        guard let expiresAt else { return "valid" }
        return isValid ? "valid until \(expiresAt.text)" : "expired \(expiresAt.text)"
    }
}
