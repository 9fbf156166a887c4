import Archive
import Catalog
import Disk
import EmbeddedLog
import Glibc
import ParallaxCore
import Postgres

/// Copies everything that a pipeline keeps, while everything runs, at one consistent point.
///
///     database at S, S ≤ log at L, S ≤ archive at A, archive(copy) = archive at A without what reaches beyond the log's copy
///
/// S is one snapshot of the database. What it knows to be processed, archived and published was in the log and the archive before S, and is in
/// their copies, which are made after it. What a trim takes from the log between S and L is in the archive at A.
///
/// Not promised: what was appended after L. Restored, producers that were answered later have to send it again.
public struct Backup {
    /// What is copied, and where it is.
    public struct Pipeline: Sendable {
        /// May hold a password: never print it.
        public var dsn: String
        public var isPrivateServer: Bool
        /// parallax.yaml and *.sql.
        public var definitions: [String]
        /// Nil: the log is Kafka's, and is not copied.
        public var logFolder: String?
        public var archiveFolder: String
        /// The version of this program.
        public var version: String
        public init(
            dsn: String, isPrivateServer: Bool, definitions: [String], logFolder: String?, archiveFolder: String, version: String
        ) {
            self.dsn = dsn
            self.isPrivateServer = isPrivateServer
            self.definitions = definitions
            self.logFolder = logFolder
            self.archiveFolder = archiveFolder
            self.version = version
        }
    }

    public enum Step: String, Sendable { case database, log, archive }

    public struct Made: Sendable {
        public var name: String
        public var record: BackupRecord
        /// Segments that earlier backups did not have.
        public var copiedSegments = 0
        public var copiedBytes = 0
        /// Older backups that were removed.
        public var removed: [String] = []
    }

    let pipeline: Pipeline
    let folder: BackupFolder
    /// Backups that are kept, with this one.
    let keep: Int
    /// Told of bytes as they are copied; what it throws ends the backup, and leaves what was there before.
    let observe: (Step, Int) throws(ParallaxError) -> Void

    public init(
        of pipeline: Pipeline, to folder: BackupFolder, keep: Int, observe: @escaping (Step, Int) throws(ParallaxError) -> Void
    ) {
        self.pipeline = pipeline
        self.folder = folder
        self.keep = max(1, keep)
        self.observe = observe
    }

    /// Throws `.busy` where another backup writes into the folder, `.database`, `.disk`, `.corrupt`, and what `observe` throws.
    public func make() throws(ParallaxError) -> Made {
        // Nobody but us: definitions may hold a password, and the database holds everything.
        try Disk.makeFolder(folder.path, mode: 0o700)
        let lock = try folder.locked()
        defer { withExtendedLifetime(lock) {} }
        for name in try folder.unfinished() { try Disk.removeFolder(folder.backup(name)) }
        let previous = try folder.backups().last

        let connection = try Connection(pipeline.dsn, applicationName: "parallax backup")
        defer { connection.close() }
        try Catalog(connection).keepLogs()
        var made = try connection.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY") { () throws(ParallaxError) in
            try copyDatabase(connection)
        }
        let target = folder.backup(made.name)
        FaultPoint.pass("backup.afterDatabase")
        for path in pipeline.definitions {
            let copy = try Disk.copy(path, to: "\(target)/definitions/\(Disk.name(of: path))", mode: 0o600)
            made.record.files.append(
                CopiedFile(path: "definitions/\(Disk.name(of: path))", bytes: copy.bytes, sha256: copy.sha256))
        }
        let ends = try copyLogs(&made.record, target, previous)
        FaultPoint.pass("backup.afterLog")
        try copyArchives(&made, target, ends)
        FaultPoint.pass("backup.beforeRecord")
        try made.record.write(to: target)
        made.removed = try removeOlder()
        return made
    }

    /// Inside the transaction whose snapshot is copied.
    private func copyDatabase(_ connection: Connection) throws(ParallaxError) -> Made {
        let catalog = Catalog(connection)
        try catalog.checkVersion()
        let row = try connection.query("SELECT pg_export_snapshot(), \(Catalog.micros("clock_timestamp()"))").rows[0]
        let (snapshot, now) = (try row.text(0), try row.instant(1))
        let name = try folder.name(for: now)
        let target = folder.backup(name)
        try Disk.makeFolder(target, mode: 0o700)
        try Disk.makeFolder("\(target)/definitions", mode: 0o700)
        var sources: [BackupRecord.Source] = []
        for source in try catalog.sources() {
            let positions = try catalog.positions(source: source.id)
            sources.append(
                .init(
                    name: source.name, topic: source.definition.topic, positions: Self.byNumber(positions), log: nil, archived: [:],
                    segments: 0))
        }
        let dump = DatabaseDump(dsn: pipeline.dsn, isWhole: pipeline.isPrivateServer)
        let roles = try DatabaseDump.roles(connection)
        let settings = pipeline.isPrivateServer ? try DatabaseDump.settings(connection) : []
        let file = "\(target)/postgres.dump"
        try dump.dump(to: file, snapshot: snapshot, serverVersion: connection.serverVersion) { () throws(ParallaxError) in
            try observe(.database, 0)
        }
        // pg_dump synchronises the file.
        let size = Disk.size(ofFile: file) ?? 0
        let digest = try Disk.sha256(ofFile: file) { (_) throws(ParallaxError) in try observe(.database, 0) }
        return Made(
            name: name,
            record: BackupRecord(
                version: pipeline.version, madeAt: now, serverVersion: connection.serverVersion,
                isWholeDatabase: pipeline.isPrivateServer, roles: roles, settings: settings, sources: sources,
                files: [CopiedFile(path: "postgres.dump", bytes: size, sha256: digest)], segments: [], segmentBytes: 0, damaged: []))
    }

    /// By topic, where the copy ends; nil on Kafka.
    private func copyLogs(
        _ record: inout BackupRecord, _ target: String, _ previous: String?
    ) throws(ParallaxError) -> [String: [Partition: Offset]]? {
        guard let logFolder = pipeline.logFolder else { return nil }
        let before = previous.flatMap { name in (try? folder.record(name)).map { (folder: folder.backup(name), files: $0.files) } }
        var ends: [String: [Partition: Offset]] = [:]
        for index in record.sources.indices {
            let topic = record.sources[index].topic
            guard Disk.exists("\(logFolder)/\(topic)") else { continue }
            if ends[topic] == nil {
                let prefix = "log/\(topic)/"
                let known = before.map { before in
                    (
                        folder: "\(before.folder)/log/\(topic)",
                        files: before.files.filter { $0.path.hasPrefix(prefix) }
                            .map { CopiedFile(path: String($0.path.dropFirst(prefix.count)), bytes: $0.bytes, sha256: $0.sha256) }
                    )
                }
                let copy = try LogCopy(of: logFolder, source: topic, to: "\(target)/log/\(topic)", previous: known) {
                    (bytes) throws(ParallaxError) in try observe(.log, bytes)
                }
                record.files += copy.files.map { CopiedFile(path: prefix + $0.path, bytes: $0.bytes, sha256: $0.sha256) }
                ends[topic] = copy.bounds.mapValues(\.upperBound)
                record.sources[index].log = Dictionary(
                    uniqueKeysWithValues: copy.bounds.map { ("\($0.key)", [$0.value.lowerBound.rawValue, $0.value.upperBound.rawValue]) })
            } else {
                record.sources[index].log = record.sources.first { $0.topic == topic && $0.log != nil }?.log
            }
        }
        return ends
    }

    private func copyArchives(
        _ made: inout Made, _ target: String, _ ends: [String: [Partition: Offset]]?
    ) throws(ParallaxError) {
        for index in made.record.sources.indices {
            let source = made.record.sources[index]
            // The log's copy ends at own offsets of the log; the archive has the source's.
            let binding = try ArchiveWriter.adoptedLog(directory: pipeline.archiveFolder, source: source.name)
            let limit = ends.map { ends in
                let own = ends[source.topic] ?? [:]
                return binding?.ends(own) ?? own
            }
            made.record.sources[index].log = source.log.map { numbered($0, binding) }
            if let limit { try Self.check(source, limit) }
            let copy = try ArchiveCopy(
                of: pipeline.archiveFolder, source: source.name, manifests: "\(target)/archive", pool: folder.pool,
                below: limit
            ) { (bytes) throws(ParallaxError) in try observe(.archive, bytes) }
            made.record.files += copy.files.map { CopiedFile(path: "archive/\($0.path)", bytes: $0.bytes, sha256: $0.sha256) }
            made.record.segments.formUnion(copy.pooled)
            made.record.damaged += copy.damaged
            made.record.sources[index].segments = copy.segments
            made.record.sources[index].archived = Dictionary(
                uniqueKeysWithValues: copy.archived.partitions.map { ("\($0)", copy.archived[$0].rawValue) })
            made.copiedSegments += copy.copiedSegments
            made.copiedBytes += copy.copiedBytes
        }
        made.record.segmentBytes = made.record.segments.reduce(0) { $0 + (Disk.size(ofFile: "\(folder.pool)/\($1)") ?? 0) }
    }

    /// A log that ends below what was read of it is not the one that was read. Its end would cut the archive's copy, and the copies that are whole would
    /// be removed for it.
    private static func check(_ source: BackupRecord.Source, _ ends: [Partition: Offset]) throws(ParallaxError) {
        for (name, position) in source.positions {
            guard let number = Int32(name) else { continue }
            let partition = Partition(rawValue: number)
            try LogCheck.checkEnd(
                source: source.name, LogKnowledge(partition: partition, position: Offset(position), witness: nil),
                bounds: Offset.zero..<(ends[partition] ?? .zero))
        }
    }

    /// Begin and end of each partition, as the source numbers them.
    private func numbered(_ bounds: [String: [Int64]], _ binding: LogBinding?) -> [String: [Int64]] {
        guard let binding else { return bounds }
        return Dictionary(
            uniqueKeysWithValues: bounds.map { (name, bounds) in
                (name, bounds.map { $0 + (Int32(name).map { binding.shift(Partition(rawValue: $0)) } ?? 0) })
            })
    }

    /// All but the newest; then the segments that none of the rest names.
    private func removeOlder() throws(ParallaxError) -> [String] {
        let backups = try folder.backups()
        let removed = Array(backups.dropLast(keep))
        for name in removed {
            // First what makes it a backup.
            try Disk.removeFile("\(folder.backup(name))/\(BackupRecord.fileName)")
            try Disk.removeFolder(folder.backup(name))
        }
        guard !removed.isEmpty else { return [] }
        var named: Set<String> = []
        for name in backups.suffix(keep) { named.formUnion(try folder.record(name).segments) }
        for source in try Disk.names(in: folder.pool) {
            for partition in try Disk.names(in: "\(folder.pool)/\(source)") {
                for file in try Disk.names(in: "\(folder.pool)/\(source)/\(partition)") {
                    let name = "\(source)/\(partition)/\(file)"
                    if !named.contains(name) { try Disk.removeFile("\(folder.pool)/\(name)") }
                }
            }
        }
        return removed
    }

    private static func byNumber(_ positions: [Partition: Offset]) -> [String: Int64] {
        Dictionary(uniqueKeysWithValues: positions.map { ("\($0.key)", $0.value.rawValue) })
    }
}

extension BackupFolder {
    /// One backup at a time into a folder, and no restore from it meanwhile. The system gives the lock back when the process dies.
    func locked() throws(ParallaxError) -> FileLock {
        let lock = try FileLock(self.lock)
        guard try lock.tryLock() else {
            throw ParallaxError(
                .busy, "another process works in the folder of backups", detail: "Lock file: \(self.lock).",
                hint: "Wait for it and try again.")
        }
        return lock
    }
}
