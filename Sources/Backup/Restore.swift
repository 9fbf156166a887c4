import Archive
import Catalog
import Disk
import ParallaxCore
import Postgres

/// Brings a backup back into a pipeline's folder that keeps nothing yet.
///
///     marked ─ log, archive ─► copied ─ one transaction ─► restored ─ unmarked
///
/// Files appear whole, the database all at once. A restore that was interrupted is done again from the begin; until then the mark keeps every other
/// command from working with half of a pipeline.
public struct Restore {
    public enum Step: String, Sendable { case checking, log, archive, database }

    public struct Done: Sendable {
        public var name: String
        public var record: BackupRecord
        /// Archived segments that were damaged when the backup was made.
        public var missing: [String] = []
    }

    public struct Target: Sendable {
        /// `.parallax`.
        public var state: String
        public var logFolder: String
        public var archiveFolder: String
        public init(state: String, logFolder: String, archiveFolder: String) {
            self.state = state
            self.logFolder = logFolder
            self.archiveFolder = archiveFolder
        }

        var mark: String { Restore.mark(in: state) }
    }

    let folder: BackupFolder
    let name: String
    let target: Target
    /// Log and archive are there, and newer than the backup: only the database is brought back.
    let onlyDatabase: Bool
    let observe: (Step, Int) throws(ParallaxError) -> Void

    /// - Parameter name: of a backup in the folder; nil: the newest.
    /// Throws `.missing` where there is no such backup.
    public init(
        from folder: BackupFolder, name: String?, to target: Target, onlyDatabase: Bool,
        observe: @escaping (Step, Int) throws(ParallaxError) -> Void
    ) throws(ParallaxError) {
        let backups = try folder.backups()
        guard let newest = backups.last else {
            throw ParallaxError(.missing, "\(folder.path) holds no backup", hint: "parallax backup DIR makes one")
        }
        if let name, !backups.contains(name) {
            throw ParallaxError(
                .missing, "\(folder.path) holds no backup \"\(name)\"", detail: "Backups: \(backups.joined(separator: ", ")).")
        }
        self.folder = folder
        self.name = name ?? newest
        self.target = target
        self.onlyDatabase = onlyDatabase
        self.observe = observe
    }

    public static func mark(in state: String) -> String { "\(state)/restore-unfinished" }

    /// The names of the definitions' files in the backup, and where they are.
    public func definitions() throws(ParallaxError) -> [(name: String, path: String)] {
        try folder.record(name).files.filter { $0.path.hasPrefix("definitions/") }
            .map { (Disk.name(of: $0.path), "\(folder.backup(name))/\($0.path)") }
    }

    /// - Parameters:
    ///   - open: gives the connection string of a database; called when the files are in place.
    ///   - isPrivateServer: it is the pipeline's own.
    ///
    /// Throws `.usage` where the pipeline keeps something already, `.corrupt` where the backup is not what was written, `.database`, `.disk`.
    public func perform(
        isPrivateServer: Bool, open: () throws(ParallaxError) -> String
    ) throws(ParallaxError) -> Done {
        let lock = try folder.locked()
        defer { withExtendedLifetime(lock) {} }
        let record = try folder.record(name)
        guard record.isWholeDatabase == isPrivateServer else {
            throw ParallaxError(
                .usage,
                record.isWholeDatabase
                    ? "the backup is of a private server, and the pipeline uses postgres.url"
                    : "the backup is of a server of yours, and the pipeline has none (postgres.url)",
                hint: "restore it with the same kind of server")
        }
        try checkTarget()
        try checkFiles(record)
        try Disk.write(Array("\(name)\n".utf8), to: target.mark)
        FaultPoint.pass("restore.afterMark")
        var done = Done(name: name, record: record)
        if !onlyDatabase { done.missing = try copyFiles(record) }
        FaultPoint.pass("restore.afterFiles")
        try restoreDatabase(record, dsn: try open())
        FaultPoint.pass("restore.afterDatabase")
        try Disk.removeFile(target.mark)
        try Disk.syncFolder(target.state)
        return done
    }

    /// Nothing that is there is touched: who wants to restore over it takes it away first. An interrupted restore left its mark.
    private func checkTarget() throws(ParallaxError) {
        guard !Disk.exists(target.mark) else { return }
        for (path, what) in [(target.logFolder, "a log"), (target.archiveFolder, "an archive")] {
            let isThere = try !Disk.names(in: path).isEmpty
            if isThere, !onlyDatabase {
                throw ParallaxError(
                    .usage, "the pipeline keeps \(what) already: \(path)",
                    hint:
                        "restore into a folder that keeps nothing, or move \(target.state) away first; where only PostgreSQL was lost: --only-database"
                )
            }
        }
    }

    private func checkFiles(_ record: BackupRecord) throws(ParallaxError) {
        for file in record.files {
            let path = "\(folder.backup(name))/\(file.path)"
            let found = try Disk.sha256(ofFile: path) { (bytes) throws(ParallaxError) in try observe(.checking, bytes) }
            guard found == file.sha256 else {
                throw ParallaxError(
                    .corrupt, "\(path) is damaged: nothing was restored", detail: "Its SHA-256 is \(found); \(file.sha256) was written.",
                    hint: "take an earlier backup: parallax restore DIR --backup NAME")
            }
        }
    }

    private func copyFiles(_ record: BackupRecord) throws(ParallaxError) -> [String] {
        let backup = folder.backup(name)
        var missing: [String] = []
        for file in record.files {
            if file.path.hasPrefix("log/") {
                let path = "\(target.logFolder)/\(file.path.dropFirst("log/".count))"
                try Disk.makeFolder(Disk.parent(of: path))
                try Disk.copy("\(backup)/\(file.path)", to: path, sha256: file.sha256) { (bytes) throws(ParallaxError) in
                    try observe(.log, bytes)
                }
            } else if file.path.hasPrefix("archive/") {
                missing += try ArchiveCopy.restore(
                    String(file.path.dropFirst("archive/".count)), manifests: "\(backup)/archive", pool: folder.pool,
                    to: target.archiveFolder
                ) { (bytes) throws(ParallaxError) in try observe(.archive, bytes) }
            }
        }
        return missing
    }

    private func restoreDatabase(_ record: BackupRecord, dsn: String) throws(ParallaxError) {
        let connection = try Connection(dsn, applicationName: "parallax restore")
        defer { connection.close() }
        if try Catalog(connection).isMigrated() {
            // The transaction of an interrupted restore was committed.
            if Disk.exists(target.mark), try Catalog(connection).hasSources() {
                return try resetChanges(connection)
            }
            throw ParallaxError(
                .usage, "the database holds a pipeline already", hint: "restore into an empty database, or take that one away first")
        }
        try DatabaseDump.make(record.roles, connection)
        try DatabaseDump(dsn: dsn, isWhole: record.isWholeDatabase).restore(
            from: "\(folder.backup(name))/postgres.dump", serverVersion: max(record.serverVersion, connection.serverVersion)
        ) { () throws(ParallaxError) in try observe(.database, 0) }
        try DatabaseDump.apply(record.settings, connection)
        try connection.execute("ANALYZE")
        try resetChanges(connection)
    }

    /// Who follows a view may have newer rows than were restored. Control tables of an older release begin anew when they are brought up to date.
    private func resetChanges(_ connection: Connection) throws(ParallaxError) {
        guard (try? Catalog(connection).checkVersion()) != nil else { return }
        try connection.transaction { () throws(ParallaxError) in try Catalog(connection).resetChanges() }
    }
}
