import ArgumentParser
import Catalog
import Disk
import Foundation
import KafkaLog
import MergeLaw
import ParallaxCore
import Postgres
import PrivatePostgres
import ViewLanguage

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "What is missing or wrong, on this machine and in the pipeline, and the command that mends it.",
        discussion: discussion(
            """
            Looks at programs and extensions, rights and disk space, definitions, logs, topics and groups, the files of the archive, and what the layers say \
            that they cannot do. Changes nothing and starts nothing. Ends with the number of the first finding's kind: 69 where something is missing.
            """, example: "parallax doctor --pipeline demo"))

    @OptionGroup var options: PipelineOptions
    @Flag(help: "Also read the archive's files and compare their checksums. That takes as long as reading them does.") var verify = false
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let findings = Doctor(options, verifies: verify).examine()
        if json {
            let rows = findings.map {
                JSONText.object([
                    ("check", .string($0.check)), ("ok", .bool($0.isOK)), ("found", .string($0.found)), ("remedy", .optional($0.remedy)),
                    ("code", $0.isOK ? .null : .string($0.code.rawValue)), ("known", .bool($0.isKnown)),
                ])
            }
            Terminal.print(JSONText.array(rows).text())
        } else {
            for finding in findings {
                Terminal.print(NamedCommands.completed("\(finding.word) \(finding.check): \(finding.found)"))
                if let remedy = finding.remedy { Terminal.print(NamedCommands.completed("        \(remedy)")) }
            }
        }
        if let first = findings.first(where: { !$0.isOK }) { throw ExitCode(ExitStatus.of(first.code)) }
    }
}

/// Looks at everything that a pipeline needs at run time. Changes nothing and starts nothing.
struct Doctor {
    struct Finding {
        var check: String
        var isOK: Bool
        var found: String
        var remedy: String?
        /// What kind of error a failed check is.
        var code = ParallaxError.Code.notInstalled
        /// False where it could not be looked at, which is no fault of the pipeline's.
        var isKnown = true

        var word: String {
            if !isKnown { return "UNKNOWN" }
            if isOK { return "ok     " }
            return switch code {
            case .notInstalled, .missing, .unavailable, .configuration: "MISSING"
            default: "WRONG  "
            }
        }
    }

    /// Below this the log soon refuses to take records.
    static let leastFreeBytes = 1 << 30

    let options: PipelineOptions
    /// Also by reading every byte.
    let verifies: Bool

    init(_ options: PipelineOptions, verifies: Bool = false) {
        self.options = options
        self.verifies = verifies
    }

    func examine() -> [Finding] {
        var findings: [Finding] = []
        var pipeline: Pipeline?
        findings.append(
            finding("pipeline") {
                pipeline = try options.pipeline()
                return "\(options.folder), parallax.yaml is sound"
            })
        var definitions: Definitions?
        if let pipeline {
            findings.append(
                finding("definitions") {
                    let found = try pipeline.definitions()
                    definitions = found
                    return [
                        counted(found.sources.count, "source"), counted(found.views.count, "view"),
                        counted(found.overlays.count, "overlay"),
                    ].joined(separator: ", ")
                })
        }
        let server = server(pipeline, neededExtensions(definitions))
        defer { server.connection?.close() }
        if let pipeline {
            let sources = definitions?.sources ?? []
            findings.append(rights(pipeline))
            findings.append(space(pipeline))
            findings += pipeline.logKind == .kafka ? kafka(pipeline, sources) : []
            findings += logs(pipeline, sources, server.connection.map { Catalog($0) })
            findings += archive(pipeline, sources)
            if let ended = lastEnd(pipeline) { findings.append(ended) }
        }
        findings += server.findings
        if let connection = server.connection {
            findings += layers(Catalog(connection))
        } else if pipeline != nil {
            findings.append(
                Finding(
                    check: "layers", isOK: true,
                    found: "PostgreSQL cannot be asked which views it refuses, what keeps layers from their work, and which log was read; "
                        + "parallax status starts the private one, and says it",
                    isKnown: false))
        }
        let psql = findProgram("psql")
        findings.append(
            Finding(
                check: "psql", isOK: psql != nil, found: psql ?? "not found",
                remedy: psql == nil ? "apt-get install postgresql-client" : nil))
        return findings
    }

    /// What shows of the pipeline's PostgreSQL, and one connection for everything that is asked of it; nil: it cannot be asked now.
    private func server(_ pipeline: Pipeline?, _ extensions: [String]) -> (findings: [Finding], connection: Connection?) {
        if let url = pipeline?.configuration.text(.postgresURL) {
            let (found, connection) = reach(url, extensions)
            return ([found], connection)
        }
        var findings = privateServer(extensions)
        guard let pipeline else { return (findings, nil) }
        if let port = port(pipeline) { findings.append(port) }
        let server = pipeline.privatePostgres()
        guard server.isRunning, let dsn = try? server.dsn() else {
            findings.append(Finding(check: "PostgreSQL", isOK: true, found: "not running; commands that need it start it"))
            return (findings, nil)
        }
        let (found, connection) = reach(dsn, extensions)
        return (findings + [found], connection)
    }

    private func kafka(_ pipeline: Pipeline, _ sources: [SourceDefinition]) -> [Finding] {
        let version = LibraryVersion.loaded
        return [
            Finding(
                check: "librdkafka", isOK: true,
                found: "version \(version)" + (version.warning == nil ? "" : ", with known faults: use 2.4 or later"))
        ]
            + sources.map { source in
                let group = pipeline.kafkaGroup(source)
                return finding("Kafka group \(group)") {
                    var settings = pipeline.kafkaSettings(source)
                    settings.requestDeadline = .seconds(3)
                    try KafkaGroupMember.check(settings, group: group)
                    return "may be asked for its positions"
                }
            }
    }

    func finding(_ check: String, _ body: () throws -> String) -> Finding {
        do {
            return Finding(check: check, isOK: true, found: try body())
        } catch let problems as ReportedProblems {
            let count = problems.texts.count
            let remedy = "parallax check names " + (count == 1 ? "it, with its place" : "all \(count), with their places")
            return Finding(check: check, isOK: false, found: problems.texts.first ?? "unsound", remedy: remedy, code: problems.code)
        } catch let error as ParallaxError {
            let found = [error.message, error.detail?.replacing("\n", with: "; ")].compactMap { $0 }.joined(separator: ": ")
            return Finding(check: check, isOK: false, found: found, remedy: error.hint, code: error.code)
        } catch {
            return Finding(check: check, isOK: false, found: "\(error)", code: .internalInconsistency)
        }
    }

    private func rights(_ pipeline: Pipeline) -> Finding {
        let place = FileManager.default.fileExists(atPath: pipeline.state) ? pipeline.state : pipeline.folder
        guard access(place, W_OK | X_OK) == 0 else {
            return Finding(
                check: "folder", isOK: false, found: "\(place) cannot be written to", remedy: "chown -R $(id -un) \(shellQuoted(place))",
                code: .disk)
        }
        // The private server runs as an unprivileged user where we are root, and must be able to get to its folder.
        guard geteuid() == 0 && !pipeline.configuration.isSet(.postgresURL) else {
            return Finding(check: "folder", isOK: true, found: "\(place) can be written to")
        }
        var parent = pipeline.folder
        while parent != "/" {
            if let status = FileStatus(parent), status.mode & 0o001 == 0 {
                return Finding(
                    check: "folder", isOK: true,
                    found: "PostgreSQL's user cannot enter \(parent): the database is kept in another folder, which its first start names")
            }
            parent = (parent as NSString).deletingLastPathComponent
        }
        return Finding(check: "folder", isOK: true, found: "\(place) can be written to")
    }

    private func space(_ pipeline: Pipeline) -> Finding {
        var status = statvfs()
        guard statvfs(pipeline.folder, &status) == 0 else {
            return Finding(check: "disk space", isOK: false, found: String(cString: strerror(errno)), code: .disk)
        }
        let free = Int(clamping: UInt64(status.f_bavail) &* UInt64(status.f_frsize))
        let isEnough = free >= Self.leastFreeBytes
        return Finding(
            check: "disk space", isOK: isEnough, found: "\(byteCount(free)) free",
            remedy: isEnough ? nil : "make room on the disk of \(pipeline.folder)", code: .disk)
    }

    /// Those of what the definitions need; without definitions what most need.
    private func neededExtensions(_ definitions: Definitions?) -> [String] {
        (definitions?.views ?? []).reduce(into: Set(["hll"])) { $0.formUnion(StateTables.extensions(for: $1.plan)) }.sorted()
    }

    private func privateServer(_ extensions: [String]) -> [Finding] {
        var programs: ServerPrograms?
        let found = finding("PostgreSQL server programs") {
            let found = try ServerPrograms.find()
            programs = found
            return "version \(found.version) in \(found.folder)"
        }
        guard let programs else { return [found] }
        let beside = ((programs.folder as NSString).deletingLastPathComponent as NSString).appendingPathComponent("share/extension")
        return [found]
            + extensions.map { name in
                let isThere = ["/usr/share/postgresql/\(programs.version)/extension", beside].contains {
                    FileManager.default.isReadableFile(atPath: "\($0)/\(name).control")
                }
                return Finding(
                    check: "PostgreSQL extension \(name)", isOK: isThere, found: isThere ? "installed" : "not found",
                    remedy: isThere ? nil : "apt-get install postgresql-\(programs.version)-\(name)")
            }
    }

    private func port(_ pipeline: Pipeline) -> Finding? {
        let port = pipeline.configuration.integer(.postgresTCPPort)
        guard port != 0, !pipeline.privatePostgres().isRunning else { return nil }
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let answers = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 }
        }
        return Finding(
            check: "TCP port \(port)", isOK: !answers, found: answers ? "taken by another program" : "free",
            remedy: answers ? "set postgres.tcp_port in parallax.yaml to another one" : nil)
    }

    private func reach(_ dsn: String, _ extensions: [String]) -> (Finding, Connection?) {
        var reached: Connection?
        let found = finding("PostgreSQL") {
            let connection = try Connection(dsn)
            reached = connection
            try PrivatePostgres.checkServer(connection, extensions: extensions)
            let with = extensions.joined(separator: " and ")
            return "version \(connection.serverVersion / 10_000), reachable, with \(with): \(Connection.masked(dsn))"
        }
        return (found, reached)
    }
}
