import Disk
import ParallaxCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A source whose log was given up for another: the archive says which one its offsets go on with, so that it is known without any database.
///
///     <directory>/<source>/log.json        a LogBinding; there is none as long as the source reads its first log
extension ArchiveWriter {
    /// The log that was adopted last; nil: the first is read.
    public static func adoptedLog(directory: String, source: String) throws(ParallaxError) -> LogBinding? {
        let path = ArchiveFolder(directory: directory, source: source).adoptedLog
        guard let bytes = try File.read(path)?.contents() else { return nil }
        do { return try JSONDecoder().decode(LogBinding.self, from: Data(bytes)) } catch {
            throw ParallaxError(
                .corrupt, "\"\(path)\" does not say which log the archive of source \"\(source)\" goes on with", detail: "\(error)",
                hint: "Restore the file from a backup.")
        }
    }

    /// Gives up what the former log had and the archive does not, in every partition up to where the new log begins, and records which log that is.
    /// Durable when it returns; can be repeated. Returns all gaps that were ever accepted.
    ///
    /// - Parameter eventsUntil: no event of the former log has this event time or a later one.
    public func adopt(_ binding: LogBinding, eventsUntil: Instant?) throws(ParallaxError) -> [AcceptedGap] {
        try makeDurable(folder.path)
        let lock = try folder.lock(within: limits.lockWait)
        defer { withExtendedLifetime(lock) {} }
        for start in binding.starts {
            var manifest = try manifest(start.partition)
            // What no manifest lists is in no log any more: it is not taken away.
            try recover(&manifest, logBegins: Offset(Int64.max))
            guard manifest.position < start.offset else { continue }
            try giveUp(&manifest, upTo: start.offset, eventsFrom: nil, eventsUntil: eventsUntil)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let text = try? [UInt8](encoder.encode(binding)) else {
            throw ParallaxError(.internalInconsistency, "the binding of source \"\(source.name)\" has no JSON")
        }
        try Disk.write(text + [UInt8(ascii: "\n")], to: folder.adoptedLog, mode: Openness.mode(ofFile: folder.adoptedLog))
        return try acceptedGaps()
    }

    /// For a service, now and then. Throws `.anotherLog` where the log was replaced while it was open.
    public func checkLog() throws(ParallaxError) { _ = try log.identity() }

    /// Under the folder's lock: offsets of one log must not be written behind those of another.
    func checkAdopted() throws(ParallaxError) {
        let archived = try Self.adoptedLog(directory: directory, source: source.name)?.number ?? 0
        let opened = (log as? BoundLog)?.binding.number ?? 0
        try Self.checkAdopted(source: source.name, archived: archived, opened: opened, directory)
    }

    /// - Parameter directory: the archive's, for people.
    public static func checkAdopted(source: String, archived: Int, opened: Int, _ directory: String) throws(ParallaxError) {
        guard archived != opened else { return }
        throw ParallaxError(
            .anotherLog,
            "the archive of source \"\(source)\" in \"\(directory)\" goes on with another log than the one that is read",
            detail: archived > opened
                ? "It has adopted \(archived) logs, the reader knows of \(opened)."
                : "The source has adopted \(opened) logs, the archive knows of \(archived).",
            hint:
                "Where an adoption was cut off, do it again: parallax adopt-log \(source). Where this is another archive than the source's, "
                + "put the source's own into its place.")
    }
}
