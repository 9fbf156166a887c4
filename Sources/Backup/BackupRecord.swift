import Disk
import ParallaxCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What one backup holds: `backup.json`, the last file that is written. A folder without it is no backup.
public struct BackupRecord: Codable, Sendable {
    public struct Source: Codable, Sendable {
        public var name: String
        public var topic: String
        /// By partition: where the speed layer stood when the database was copied.
        public var positions: [String: Int64]
        /// By partition: the first offset that the copy of the log holds, and the first that it does not. Nil: the log is not ours to copy.
        public var log: [String: [Int64]]?
        /// By partition: the first offset that is not in the copy of the archive.
        public var archived: [String: Int64]
        public var segments: Int
    }

    public struct Role: Codable, Sendable, Hashable {
        public var name: String
        public var canLogin: Bool
        public var memberOf: [String]
    }

    /// `ALTER DATABASE … SET` and `ALTER ROLE … SET`: they are no part of a database's dump.
    public struct Setting: Codable, Sendable, Hashable {
        /// Nil: of the database.
        public var role: String?
        /// True where it holds in this database only.
        public var isOfDatabase: Bool
        /// `name=value`, as PostgreSQL keeps it.
        public var assignments: [String]
    }

    /// The layout of a backup that this code writes, and the newest that it reads.
    public static let currentFormat = 1

    public var format = Self.currentFormat
    /// The version of the program that made the backup.
    public var version: String
    /// Microseconds since 1970, by the database's clock: everything in the database is as it was then.
    public var madeAt: Instant
    public var serverVersion: Int
    /// The pipeline's private server was copied whole; of a user's server only what is the pipeline's.
    public var isWholeDatabase: Bool
    public var roles: [Role]
    public var settings: [Setting]
    public var sources: [Source]
    /// Everything but archived segments, below the backup's folder.
    public var files: [CopiedFile]
    /// Names in the pool.
    public var segments: Set<String>
    public var segmentBytes: Int
    /// Segments that were not as their manifest says: not in the backup. One sentence each.
    public var damaged: [String]

    static let fileName = "backup.json"

    func write(to folder: String) throws(ParallaxError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let bytes = try? encoder.encode(self) else { throw ParallaxError(.internalInconsistency, "a backup's record has no JSON") }
        try Disk.write(Array(bytes) + [UInt8(ascii: "\n")], to: "\(folder)/\(Self.fileName)")
    }

    static func read(from folder: String) throws(ParallaxError) -> BackupRecord {
        struct Format: Decodable { var format: Int }
        let path = "\(folder)/\(fileName)"
        let bytes = Data(try Disk.read(path))
        guard let format = try? JSONDecoder().decode(Format.self, from: bytes) else {
            throw ParallaxError(.corrupt, "\(path) does not describe a backup")
        }
        guard format.format <= currentFormat else {
            throw ParallaxError(
                .configuration, "\(path) was written by a newer version of Parallax",
                detail: "It has format \(format.format); this version reads up to \(currentFormat).", hint: "Use the newer version.")
        }
        do { return try JSONDecoder().decode(BackupRecord.self, from: bytes) } catch {
            throw ParallaxError(.corrupt, "\(path) does not describe a backup", detail: "\(error)")
        }
    }
}

/// The backups in a folder.
///
///     <folder>/archive/<source>/p=<partition>/…     segments, shared by all of them
///     <folder>/20261126T201512Z/backup.json         what the backup holds; written last
///                              /postgres.dump       pg_dump's custom format
///                              /definitions/        parallax.yaml and *.sql
///                              /log/<topic>/        the embedded log
///                              /archive/…           the archive's manifests
public struct BackupFolder: Sendable {
    public let path: String
    public init(_ path: String) { self.path = path }

    var pool: String { "\(path)/archive" }
    var lock: String { "\(path)/lock" }
    func backup(_ name: String) -> String { "\(path)/\(name)" }

    /// Whole ones, oldest first: a backup's name is its time.
    public func backups() throws(ParallaxError) -> [String] {
        try Disk.names(in: path).filter { Self.isName($0) && Disk.exists("\(path)/\($0)/\(BackupRecord.fileName)") }
    }

    /// Folders that a backup left which did not end.
    func unfinished() throws(ParallaxError) -> [String] {
        try Disk.names(in: path).filter { Self.isName($0) && !Disk.exists("\(path)/\($0)/\(BackupRecord.fileName)") }
    }

    public func record(_ name: String) throws(ParallaxError) -> BackupRecord { try .read(from: backup(name)) }

    static func isName(_ name: String) -> Bool { name.wholeMatch(of: /\d{8}T\d{6}Z(-\d+)?/) != nil }

    /// The backup's name for a moment; one that is taken gets a number behind it.
    func name(for instant: Instant) throws(ParallaxError) -> String {
        let (day, second) = floorDivide(floorDivide(instant.rawValue, Instant.microsecondsPerSecond).quotient, 86_400)
        let date = CivilDate(daysSince1970: day)
        func digits(_ number: Int64, _ count: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        let name =
            digits(date.year, 4) + digits(date.month, 2) + digits(date.day, 2) + "T" + digits(second / 3_600, 2)
            + digits(second / 60 % 60, 2)
            + digits(second % 60, 2) + "Z"
        guard Disk.exists(backup(name)) else { return name }
        var number = 2
        while Disk.exists(backup("\(name)-\(number)")) { number += 1 }
        return "\(name)-\(number)"
    }
}
