import ArgumentParser
import Catalog
import Disk
import ParallaxCore

struct RoleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "role", abstract: "Roles of PostgreSQL that read views.",
        discussion: discussion("", example: "parallax role create reader grafana --pipeline demo"),
        subcommands: [RoleCreateCommand.self, RoleListCommand.self, RoleDropCommand.self])
}

struct RoleCreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make a role.",
        discussion: discussion("", example: "parallax role create reader grafana --pipeline demo"),
        subcommands: [RoleCreateReaderCommand.self])
}

struct RoleCreateReaderCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reader", abstract: "Make a role that reads views, and nothing else.",
        discussion: discussion(
            """
            It finds the views by their plain names, and sees only those that are named: also when they are made anew, by a change of definitions or a \
            run. Without --view it sees all, also those that come later, and what tells how fresh and how complete they are. It reads only, and nothing of \
            any record's payload. On a server of your own the role that Parallax works as needs CREATEROLE.
            """,
            example: "parallax role create reader grafana --pipeline demo",
            "parallax role create reader shop --view traffic_by_page --view top_pages --password-file shop.password --pipeline demo"))

    @OptionGroup var options: PipelineOptions
    @Argument(help: "The role.") var name: String
    @Option(help: "A view that it may read; may be given several times. Default: all.", completion: .viewNames) var view: [String] = []
    @Option(help: ArgumentHelp("The file whose first line is its password. Default: it has none.", valueName: "file")) var passwordFile:
        String?

    func validate() throws {
        guard !name.isEmpty, name.utf8.count <= 63, !name.lowercased().hasPrefix("pg_") else {
            throw ValidationError("A role's name has 1 to 63 bytes, and does not begin with pg_.")
        }
    }

    func run() throws {
        var password: String?
        if let passwordFile {
            guard
                let line = try String(decoding: Disk.read(passwordFile), as: UTF8.self).split(
                    separator: "\n", maxSplits: 1, omittingEmptySubsequences: false
                ).first,
                !line.isEmpty, !line.utf8.contains(0)
            else { throw ParallaxError(.input, "\(passwordFile) has no password in its first line") }
            password = String(line)
        }
        let pipeline = try options.pipeline()
        try Database.with(pipeline) { connection in
            try requireApplied(connection).createReader(name, views: view, password: password)
        }
        Terminal.print("role \(name) reads \(view.isEmpty ? "all views" : view.joined(separator: ", "))")
        if password == nil { Terminal.note("it has no password yet: parallax psql, then \\password \(name)") }
    }
}

struct RoleListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the roles that read views.",
        discussion: discussion("", example: "parallax role list --pipeline demo"))

    @OptionGroup var options: PipelineOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let roles = try Database.with(try options.pipeline()) { connection in try requireApplied(connection).readerRoles() }
        if json {
            let rows = roles.map { role in
                JSONText.object([
                    ("role", .string(role.name)), ("views", role.views.map { .array($0.map { .string($0) }) } ?? .null),
                    ("exists", .bool(role.exists)),
                ])
            }
            return Terminal.print(JSONText.array(rows).text())
        }
        guard !roles.isEmpty else { return Terminal.print("no roles: parallax role create reader NAME makes one") }
        var table = Table(("role", .left), ("views", .left))
        table.rows = roles.map {
            [$0.name, ($0.views?.joined(separator: ", ") ?? "all") + ($0.exists ? "" : " (somebody dropped the role)")]
        }
        Terminal.write(table.text(), to: 1)
    }
}

struct RoleDropCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drop", abstract: "Drop a role that reads views.",
        discussion: discussion(
            "What it was given is taken back first. It is not dropped where it owns something, or was given something by others.",
            example: "parallax role drop shop --pipeline demo"))

    @OptionGroup var options: PipelineOptions
    @Argument(help: "The role.") var name: String

    func run() throws {
        try Database.with(try options.pipeline()) { connection in try requireApplied(connection).dropReader(name) }
        Terminal.print("role \(name) is gone")
    }
}
