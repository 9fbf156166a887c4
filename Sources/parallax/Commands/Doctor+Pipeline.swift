import Archive
import Catalog
import Foundation
import ParallaxCore
import Postgres
import ViewLanguage

/// What a pipeline itself has: logs, archive, and what its layers say.
extension Doctor {
    private func sources(_ pipeline: Pipeline) -> [SourceDefinition] { (try? pipeline.definitions().sources) ?? [] }

    /// A log that nobody has made yet is no trouble.
    func embeddedLogs(_ pipeline: Pipeline) -> [Finding] {
        sources(pipeline).map { source in
            finding("log of source \(source.name)") {
                let folder = "\(pipeline.logFolder)/\(source.topic)"
                guard FileManager.default.fileExists(atPath: folder) else {
                    guard try ArchiveReader(directory: pipeline.archiveFolder, source: source).archived().partitions.isEmpty else {
                        throw ParallaxError(
                            .missing, "it is gone, and the archive has records of it", detail: folder,
                            hint: "Put it back from a backup; or go on with a new one, keeping what is archived: "
                                + "\(Pipeline.program) adopt-log \(shellQuoted(source.name))\(pipeline.pipelineFlag)")
                    }
                    return "not there yet"
                }
                let log = try pipeline.openLogForLooking(source)
                let bounds = try log.bounds(of: log.partitions())
                for (partition, range) in bounds where !range.isEmpty {
                    _ = try log.read(partition, from: range.lowerBound, maxRecords: 1, maxBytes: 1)
                }
                return "\(bounds.count) partitions, \(grouped(bounds.values.reduce(0) { $0 + Int($1.upperBound - $1.lowerBound) })) records"
            }
        }
    }

    /// Every segment that a manifest names: there, and as long as it was written; with `verifies` also byte for byte.
    func archive(_ pipeline: Pipeline) -> [Finding] {
        sources(pipeline).flatMap { source -> [Finding] in
            let check = "archive of source \(source.name)"
            guard FileManager.default.fileExists(atPath: "\(pipeline.archiveFolder)/\(source.name)") else { return [] }
            var damaged: [ParallaxError] = []
            let whole = finding(check) {
                let reader = try ArchiveReader(directory: pipeline.archiveFolder, source: source)
                let segments = try reader.segments(below: reader.archived())
                for segment in segments {
                    do throws(ParallaxError) { try examine(segment, reader) } catch { damaged.append(error) }
                }
                let bytes = ByteCount.text(segments.reduce(0) { $0 + $1.bytes })
                return "\(grouped(segments.count)) files, \(bytes)" + (verifies ? ", all as they were written" : ", all there")
            }
            guard let first = damaged.first else { return [whole] }
            let others = damaged.count > 1 ? ", and \(damaged.count - 1) more" : ""
            return [
                Finding(
                    check: check, isOK: false, found: [first.message, first.detail].compactMap(\.self).joined(separator: ": ") + others,
                    remedy: first.hint, code: first.code)
            ]
        }
    }

    private func examine(_ segment: ArchiveSegment, _ reader: ArchiveReader) throws(ParallaxError) {
        let path = reader.path(of: segment)
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw ParallaxError(
                errno == ENOENT ? .missing : .disk,
                "the file of offsets \(segment.first) up to, not including, \(segment.next) of partition \(segment.partition) cannot be looked at",
                detail: "\(path): \(String(cString: strerror(errno)))", hint: "restore \(path) from a backup")
        }
        guard Int(status.st_size) == segment.bytes else {
            throw ParallaxError(
                .corrupt, "\(path) is \(status.st_size) bytes long, and was \(segment.bytes) when it was written",
                hint: "restore \(path) from a backup")
        }
        if verifies { try reader.verify(segment) }
    }

    /// How `parallax up` ended, where it did not end well.
    func lastEnd(_ pipeline: Pipeline) -> Finding? {
        guard UpLock.holder(pipeline.upLock) == nil, let bytes = try? readBytes(pipeline.upLog) else { return nil }
        let lines = String(decoding: bytes.suffix(16_384), as: UTF8.self).split(separator: "\n")
        // The last words of a process that failed; whatever began later would have said something after them.
        guard let last = lines.lastIndex(where: { $0.hasPrefix("error: ") }),
            lines[(last + 1)...].allSatisfy({ $0.hasPrefix("DETAIL:") || $0.hasPrefix("HINT:") || $0.hasPrefix(" ") })
        else { return nil }
        return Finding(
            check: "parallax up", isOK: false, found: "ended: " + lines[last...].joined(separator: "; ").dropFirst("error: ".count),
            remedy: "\(Pipeline.program) up\(pipeline.pipelineFlag); all of its words: \(pipeline.upLog)", code: .unavailable)
    }

    /// What the layers cannot do, by their own word: a layer that fails again and again is no healthy one.
    func layers(_ dsn: String) -> [Finding] {
        guard let connection = try? Connection(dsn) else { return [] }
        defer { connection.close() }
        let catalog = Catalog(connection)
        // Nothing is applied yet.
        guard (try? catalog.isMigrated()) == true else { return [] }
        var findings: [Finding] = []
        let whole = finding("layers") {
            for trouble in try catalog.troubles() {
                let times = "since \(trouble.since.text), \(grouped(Int(trouble.seen))) times, last \(trouble.seenAt.text)"
                findings.append(
                    Finding(
                        check: "\(trouble.layer.rawValue) layer, source \(trouble.source), \(trouble.subject)", isOK: false,
                        found: [trouble.error.message, trouble.error.detail?.replacing("\n", with: "; "), times].compactMap(\.self)
                            .joined(separator: "; "),
                        remedy: trouble.error.hint, code: trouble.error.code))
            }
            for trouble in try catalog.viewTroubles() {
                findings.append(
                    Finding(
                        check: "\(trouble.layer.rawValue) layer, view \(trouble.view)", isOK: false,
                        found: "PostgreSQL refuses its rows: \(trouble.problem.replacing("\n", with: "; "))", remedy: ViewTrouble.hint,
                        code: .database))
            }
            for trouble in try catalog.dimensionTroubles() {
                findings.append(
                    Finding(
                        check: "table \(trouble.table)", isOK: false, found: trouble.error.message, remedy: trouble.error.hint,
                        code: trouble.error.code))
            }
            for source in try catalog.sources() {
                // What was put right since then is not news.
                guard let last = try catalog.runs(source: source.name, limit: 1).first, let error = last.error else { continue }
                findings.append(
                    Finding(
                        check: "batch layer, source \(source.name)", isOK: false, found: "its last run, \(last.number), failed: \(error)",
                        remedy: "mend what it says, then: \(Pipeline.program) batch run \(shellQuoted(source.name))", code: .unavailable))
            }
            return "nothing is in their way, by their own word"
        }
        return findings.isEmpty ? [whole] : findings
    }
}
