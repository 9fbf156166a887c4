import ArgumentParser
import Backup
import Catalog
import Disk
import Foundation
import ParallaxCore
import Postgres

struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Copy everything that the pipeline keeps, while everything runs.",
        discussion: discussion(
            """
            Copies the definitions, the database, the embedded log and the archive as they are at one consistent point. Archived segments that \
            an earlier backup in the same folder has are not copied again. A topic of Kafka is not copied. The folder holds all data, and \
            parallax.yaml with what is in it: keep it as safe as the pipeline.
            """, example: "parallax backup /backup/demo --pipeline demo"))

    @OptionGroup var options: PipelineOptions
    @Argument(help: "The folder of backups; it is made where it is missing.", completion: .directory) var folder: String
    @Option(help: ArgumentHelp("How many backups are kept, with this one.", valueName: "n")) var keep = 7
    @Flag(help: "Only list the backups in the folder.") var list = false
    @Flag(help: "Print the result as JSON.") var json = false

    func validate() throws {
        guard keep > 0 else { throw ValidationError("--keep must be 1 or more.") }
    }

    func run() throws {
        let backups = BackupFolder(Pipeline.absolutePath(folder))
        if list { return try printList(backups) }
        let pipeline = try options.pipeline()
        guard !pipeline.isWithin(backups.path) else {
            throw ParallaxError(
                .usage, "the folder of backups lies in the pipeline's own .parallax", hint: "choose one elsewhere, best on another disk")
        }
        let made = try Database.with(pipeline) { connection in
            _ = try requireApplied(connection)
            connection.close()
            return try make(pipeline, backups)
        }
        if json {
            Terminal.print(Self.json(made.name, made.record, made).text())
        } else {
            Terminal.print("backup \(made.name) in \(folder)")
            for line in Self.lines(made.record) { Terminal.print("  \(line)") }
            let all = counted(made.record.segments.count, "archived segment")
            let share = "\(grouped(made.copiedSegments)) of \(all) copied, the others were there"
            Terminal.print("  \(share) (\(byteCount(made.copiedBytes)) of \(byteCount(made.record.segmentBytes)))")
            if !made.removed.isEmpty { Terminal.print("  removed, since --keep is \(keep): \(made.removed.joined(separator: ", "))") }
        }
        guard made.record.damaged.isEmpty else {
            throw ParallaxError(
                .corrupt,
                "\(counted(made.record.damaged.count, "damaged archived segment")) could not be copied into the backup; everything else was",
                detail: made.record.damaged.joined(separator: "\n"),
                hint: "parallax doctor --verify names what to restore; an earlier backup may still have it")
        }
    }

    private func make(_ pipeline: Pipeline, _ backups: BackupFolder) throws(ParallaxError) -> Backup.Made {
        let progress = BackupProgress()
        defer { progress.finish() }
        let database = try Database(pipeline)
        defer { try? database.close() }
        let backup = Backup(
            of: .init(
                dsn: database.dsn, isPrivateServer: database.isPrivate, definitions: try pipeline.definitionPaths(),
                logFolder: pipeline.logKind == .embedded ? pipeline.logFolder : nil, archiveFolder: pipeline.archiveFolder,
                version: parallaxVersion), to: backups, keep: keep
        ) { (step, bytes) throws(ParallaxError) in try progress.update(step.rawValue, bytes) }
        return try backup.make()
    }

    private func printList(_ backups: BackupFolder) throws {
        var records: [(String, BackupRecord)] = []
        for name in try backups.backups() { records.append((name, try backups.record(name))) }
        if json {
            return Terminal.print(JSONText.array(records.map { Self.json($0, $1, nil) }).text())
        }
        if records.isEmpty { Terminal.note("no backup in \(folder)") }
        for (name, record) in records {
            Terminal.print(name)
            for line in Self.lines(record) { Terminal.print("  \(line)") }
        }
    }

    static func lines(_ record: BackupRecord) -> [String] {
        record.sources.map { source in
            let processed = source.positions.values.reduce(0, +)
            let archived = source.archived.values.reduce(0, +)
            let log = source.log.map { log in ", log to offset \(grouped(Int(log.values.reduce(0) { $0 + ($1.last ?? 0) })))" } ?? ""
            return "\(source.name): live to offset \(grouped(Int(processed)))\(log), archived to \(grouped(Int(archived)))"
        } + ["\(counted(record.files.count, "file")), \(byteCount(record.files.reduce(0) { $0 + $1.bytes })), beside the archived segments"]
            + record.damaged.map { "damaged: \($0)" }
    }

    static func json(_ name: String, _ record: BackupRecord, _ made: Backup.Made?) -> JSONText {
        func numbers(_ values: [String: Int64]) -> JSONText {
            .object(values.sorted { (Int($0.key) ?? 0) < (Int($1.key) ?? 0) }.map { ($0.key, .int($0.value)) })
        }
        var members: [(String, JSONText)] = [
            ("backup", .string(name)), ("made_at", .string(record.madeAt.text)), ("version", .string(record.version)),
            (
                "sources",
                .array(
                    record.sources.map { source in
                        .object([
                            ("source", .string(source.name)), ("positions", numbers(source.positions)),
                            ("log_ends", source.log.map { numbers($0.compactMapValues(\.last)) } ?? .null),
                            ("archived", numbers(source.archived)),
                        ])
                    })
            ), ("segments", .int(Int64(record.segments.count))), ("segment_bytes", .int(Int64(record.segmentBytes))),
            ("other_bytes", .int(Int64(record.files.reduce(0) { $0 + $1.bytes }))),
            ("damaged", .array(record.damaged.map { .string($0) })),
        ]
        if let made {
            members += [
                ("new_segments", .int(Int64(made.copiedSegments))), ("new_segment_bytes", .int(Int64(made.copiedBytes))),
                ("removed", .array(made.removed.map { .string($0) })),
            ]
        }
        return .object(members)
    }
}

struct RestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Bring a backup back into a pipeline that keeps nothing yet.",
        discussion: discussion(
            """
            The pipeline's folder is made where it is missing, with the backup's definitions where it has none. Everything is compared with the \
            checksums of the backup first. An interrupted restore is done again by the same command; until then the pipeline cannot be used.

            --only-database is for a server that was lost or went back to an older state while log and archive are there: the next batch run \
            brings it up to date.
            """, example: "parallax restore /backup/demo --pipeline demo"))

    @OptionGroup var options: PipelineOptions
    @Argument(help: "The folder of backups.", completion: .directory) var folder: String
    @Option(name: .customLong("backup"), help: ArgumentHelp("The backup, as --list names it; without: the newest.", valueName: "name"))
    var name: String?
    @Flag(help: "Bring back the database alone; log and archive stay as they are.") var onlyDatabase = false
    @Flag(help: "Print the result as JSON.") var json = false

    func run() throws {
        NamedCommands.use(pipelineFlag: Pipeline.pipelineFlag(options.folder))
        let path = Pipeline.absolutePath(options.folder)
        let backups = BackupFolder(Pipeline.absolutePath(folder))
        let progress = BackupProgress()
        let target = Restore.Target(
            state: "\(path)/\(Pipeline.stateFolderName)", logFolder: "\(path)/\(Pipeline.stateFolderName)/log",
            archiveFolder: "\(path)/\(Pipeline.stateFolderName)/archive")
        let restore = try Restore(from: backups, name: name, to: target, onlyDatabase: onlyDatabase) {
            (step, bytes) throws(ParallaxError) in try progress.update(step.rawValue, bytes)
        }
        try writeDefinitions(restore, path)
        let pipeline = try options.pipeline()
        if let holder = UpLock.holder(pipeline.upLock) {
            throw ParallaxError(
                .busy, "the pipeline is up, in process \(holder.process)", hint: "parallax down ends it", isRetriable: false)
        }
        let isPrivate = pipeline.configuration.text(.postgresURL) == nil
        if isPrivate, onlyDatabase, Disk.exists(pipeline.postgresFolder), !Disk.exists(target.markPath) {
            throw ParallaxError(
                .usage, "the pipeline's private server is there: \(pipeline.postgresFolder)",
                hint: "where it is to go back to the backup, move that folder away first")
        }
        try pipeline.makeStateFolder()
        var database: Database?
        defer { try? database?.close() }
        let done = try restore.perform(isPrivateServer: isPrivate) { () throws(ParallaxError) in
            let opened = try Database(pipeline, whileRestoring: true)
            database = opened
            return opened.dsn
        }
        progress.finish()
        if json {
            let result = BackupCommand.json(done.name, done.record, nil).adding("missing", .array(done.missing.map { .string($0) }))
            return Terminal.print(result.text())
        }
        Terminal.print("restored backup \(done.name), made \(done.record.madeAt.text), into \(options.folder)")
        for line in BackupCommand.lines(done.record) { Terminal.print("  \(line)") }
        for path in done.missing { Terminal.note("note: \(path) was damaged when the backup was made, and is missing") }
        Terminal.print("Go on with:  \(Pipeline.program) up\(pipeline.pipelineFlag)")
    }

    /// Only where the folder has none: who changed them since wants to keep that.
    private func writeDefinitions(_ restore: Restore, _ path: String) throws {
        // As people make them: PostgreSQL's user must be able to enter the folder, and definitions are no events.
        try Disk.makeFolder(path, mode: 0o755)
        let present = try Disk.names(in: path).filter { $0 == Pipeline.configurationFileName || $0.hasSuffix(".sql") }
        let kept = try restore.definitions()
        if present.isEmpty {
            for file in kept { try Disk.copy(file.path, to: "\(path)/\(file.name)", mode: 0o644) }
            return
        }
        var differing: [String] = []
        for file in kept {
            let here = try? Disk.read("\(path)/\(file.name)")
            let there = try Disk.read(file.path)
            if here != there { differing.append(file.name) }
        }
        if !differing.isEmpty {
            Terminal.note("note: these files are not as in the backup, and stay as they are: \(differing.joined(separator: ", "))")
        }
    }
}

extension Restore.Target {
    fileprivate var markPath: String { Restore.mark(in: state) }
}

/// One line a step: bytes, since nobody knows how much is to come.
private final class BackupProgress {
    private let progress = StepProgress()
    private var step = ""
    private var bytes = 0

    func update(_ step: String, _ more: Int) throws(ParallaxError) {
        guard !Interrupt.isRequested else { throw ParallaxError(.cancelled, "stopped; what was there before is as it was") }
        bytes = step == self.step ? bytes + more : more
        self.step = step
        progress.update(step, bytes, byteCount(bytes))
    }

    func finish() { progress.finish() }
}

extension Pipeline {
    /// parallax.yaml and *.sql.
    fileprivate func definitionPaths() throws(ParallaxError) -> [String] {
        try Disk.names(in: folder).filter { $0 == Self.configurationFileName || ($0.hasSuffix(".sql") && !$0.hasPrefix(".")) }
            .map { "\(folder)/\($0)" }
    }

    /// Whether a path lies in what the pipeline keeps.
    fileprivate func isWithin(_ path: String) -> Bool { path == state || path.hasPrefix(state + "/") }
}
