import Archive
import Catalog
import Disk
import Foundation
import ParallaxCore
import Postgres
import ViewLanguage

/// What a pipeline itself has: logs, archive, and what its layers say.
extension Doctor {
    /// Each source's log: whether it can be read, and whether it is the one that the source's positions belong to. It is opened and asked once.
    ///
    /// - Parameter catalog: nil where PostgreSQL cannot be asked.
    func logs(_ pipeline: Pipeline, _ sources: [SourceDefinition], _ catalog: Catalog?) -> [Finding] {
        // Nothing may be applied yet.
        let applied = (try? catalog?.sources()) ?? []
        func isOf(_ source: SourceDefinition, _ applied: CatalogSource) -> Bool {
            applied.name == source.name && applied.definition.topic == source.topic
        }
        // Also what no definition names any more, before that is applied.
        let others = applied.filter { applied in !sources.contains { isOf($0, applied) } }
        let all = sources.map { source in (source, applied.first { isOf(source, $0) }) } + others.map { ($0.definition, $0) }
        return all.flatMap { source, applied in
            var known: (Catalog, CatalogSource)?
            if let catalog, let applied { known = (catalog, applied) }
            return pipeline.logKind == .kafka ? topic(pipeline, source, known) : [embeddedLog(pipeline, source, known)]
        }
    }

    private func topic(_ pipeline: Pipeline, _ source: SourceDefinition, _ applied: (Catalog, CatalogSource)?) -> [Finding] {
        var look: LogLook?
        let reachable = finding("Kafka topic \(source.topic)") {
            let found = try self.look(pipeline, source, applied)
            look = found
            return "\(counted(found.bounds.count, "partition")), reachable"
        }
        guard let applied, let look else { return [reachable] }
        return [
            reachable,
            finding("log of source \(source.name)") {
                try isRead(look, applied)
                return "the one that its positions belong to"
            },
        ]
    }

    /// A log that nobody has made yet is no trouble.
    private func embeddedLog(_ pipeline: Pipeline, _ source: SourceDefinition, _ applied: (Catalog, CatalogSource)?) -> Finding {
        finding("log of source \(source.name)") {
            let folder = "\(pipeline.logFolder)/\(source.topic)"
            guard FileManager.default.fileExists(atPath: folder) else {
                let archived = try ArchiveReader(directory: pipeline.archiveFolder, source: source).archived()
                let read = try applied.map { try $0.logKnowledge(source: $1.id).contains { $0.position > .zero } } ?? false
                guard archived.partitions.isEmpty && !read else {
                    throw ParallaxError(
                        .missing,
                        archived.partitions.isEmpty ? "it is gone, and was read" : "it is gone, and the archive has records of it",
                        detail: folder,
                        hint: "Put it back from a backup; or go on with a new one, keeping what is archived: "
                            + "parallax adopt-log \(shellQuoted(source.name))")
                }
                return "not there yet"
            }
            let look = try self.look(pipeline, source, applied)
            try applied.map { try isRead(look, $0) }
            for (partition, range) in look.bounds where !range.isEmpty {
                _ = try look.log.read(partition, from: range.lowerBound, maxRecords: 1, maxBytes: 1)
            }
            let records = look.bounds.values.reduce(Int64(0)) { $0 + ($1.upperBound - $1.lowerBound) }
            return "\(counted(look.bounds.count, "partition")), \(counted(records, "record"))"
                + (applied == nil ? "" : ", the one that its positions belong to")
        }
    }

    private func look(
        _ pipeline: Pipeline, _ source: SourceDefinition, _ applied: (catalog: Catalog, source: CatalogSource)?
    ) throws(ParallaxError) -> LogLook {
        let log = try pipeline.openLogForLooking(source)
        if let applied { return try pipeline.look(at: applied.source, applied.catalog, log) }
        return LogLook(log: log, bounds: try log.bounds(of: log.partitions()))
    }

    /// By what the log shows, and by what its readers said.
    private func isRead(_ look: LogLook, _ applied: (catalog: Catalog, source: CatalogSource)) throws(ParallaxError) {
        if let another = look.anotherLog { throw another }
        if let said = try applied.catalog.problem(ofSource: applied.source.id) { throw said }
    }

    /// Every segment that a manifest names: there, and as long as it was written; with `verifies` also byte for byte.
    func archive(_ pipeline: Pipeline, _ sources: [SourceDefinition]) -> [Finding] {
        sources.flatMap { source -> [Finding] in
            let check = "archive of source \(source.name)"
            guard FileManager.default.fileExists(atPath: "\(pipeline.archiveFolder)/\(source.name)") else { return [] }
            var damaged: [ParallaxError] = []
            let whole = finding(check) {
                let reader = try ArchiveReader(directory: pipeline.archiveFolder, source: source)
                let segments = try reader.segments(below: reader.archived())
                let all = segments.reduce(0) { $0 + $1.bytes }
                let bytes = byteCount(all)
                var progress = Progress(check, total: all)
                defer { progress.finish() }
                var done = 0
                for segment in segments {
                    do throws(ParallaxError) { try examine(segment, reader) } catch { damaged.append(error) }
                    done += segment.bytes
                    progress.update(done, "of \(bytes)")
                }
                if segments.isEmpty { return "no file yet" }
                return "\(counted(segments.count, "file")), \(bytes)" + (verifies ? ", all as they were written" : ", all there")
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
        guard let status = try FileStatus.ifThere(path) else {
            throw ParallaxError(
                .missing,
                "the file of offsets \(segment.first) up to, not including, \(segment.next) of partition \(segment.partition) is missing",
                detail: path, hint: "restore \(path) from a backup")
        }
        guard status.bytes == segment.bytes else {
            throw ParallaxError(
                .corrupt, "\(path) is \(status.bytes) bytes long, and was \(segment.bytes) when it was written",
                hint: "restore \(path) from a backup")
        }
        if verifies { try reader.verify(segment) }
    }

    /// How `parallax up` ended, where it did not end well.
    func lastEnd(_ pipeline: Pipeline) -> Finding? {
        guard UpLock.holder(pipeline.upLock) == nil, let bytes = Disk.tail(pipeline.upLog, bytes: 16_384) else { return nil }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        // The last words of a process that failed; whatever began later would have said something after them.
        guard let last = lines.lastIndex(where: { $0.hasPrefix("error: ") }),
            lines[(last + 1)...].allSatisfy({ $0.hasPrefix("DETAIL:") || $0.hasPrefix("HINT:") || $0.hasPrefix(" ") })
        else { return nil }
        return Finding(
            check: "parallax up", isOK: false, found: "ended: " + lines[last...].joined(separator: "; ").dropFirst("error: ".count),
            remedy: "parallax up; all of its words: \(pipeline.upLog)", code: .unavailable)
    }

    /// Nil: it holds.
    private static func rowSecurity(_ owner: Catalog.ServingOwner) -> Finding? {
        let role = Catalog.servingOwner
        let (found, remedy): (String, String)
        switch owner {
        case .ready: return nil
        case .missing:
            (found, remedy) = ("there is no role \(role), and we may not make it", "CREATE ROLE \(role) NOLOGIN; GRANT \(role) TO …")
        case .foreign: (found, remedy) = ("role \(role) is not ours to use", "GRANT \(role) TO …")
        case .bypassing: (found, remedy) = ("role \(role) passes it by", "ALTER ROLE \(role) NOSUPERUSER NOBYPASSRLS")
        }
        return Finding(
            check: "row security", isOK: false, found: found + ": policies on state tables do not reach who reads the views",
            remedy: "as a superuser: \(remedy), then parallax apply", code: .configuration)
    }

    /// What the layers cannot do, by their own word: a layer that fails again and again is no healthy one.
    func layers(_ catalog: Catalog) -> [Finding] {
        // Nothing is applied yet.
        guard (try? catalog.isMigrated()) == true else { return [] }
        var findings: [Finding] = []
        let whole = finding("layers") {
            for trouble in try catalog.troubles() {
                let times = "since \(trouble.since.text), \(counted(trouble.seen, "time")), last \(trouble.seenAt.text)"
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
            if try catalog.hasRowSecurity(), let finding = Self.rowSecurity(try catalog.servingOwnerState()) { findings.append(finding) }
            for view in try catalog.viewsWithoutPolicies() {
                findings.append(
                    Finding(
                        check: "row security of view \(view)", isOK: false,
                        found: "it is on for a state table that has no policy: readers see none of its rows",
                        remedy:
                            "CREATE POLICY … on the view's tables in batch and speed, or ALTER TABLE … DISABLE ROW LEVEL SECURITY: parallax psql",
                        code: .definition))
            }
            for source in try catalog.sources() {
                // What was put right since then is not news.
                guard let last = try catalog.runs(source: source.name, limit: 1).first, let error = last.error else { continue }
                findings.append(
                    Finding(
                        check: "batch layer, source \(source.name)", isOK: false, found: "its last run, \(last.number), failed: \(error)",
                        remedy: "mend what it says, then: parallax batch run \(shellQuoted(source.name))", code: .unavailable))
            }
            return "they report no trouble"
        }
        return findings.isEmpty ? [whole] : findings
    }
}
