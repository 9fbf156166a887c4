import Disk
import ParallaxCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A copy of one source's archive as it was at one moment, made while archivers write: the manifests in one folder, the segments in a pool that
/// later copies share, since segments never change.
///
///     copy(p) = the lines of manifest(p) from the first on, up to the first that reaches beyond a limit
///
/// A copy whose log is copied, too, must not be ahead of it: the log's next appends would get offsets that the archive has already.
public struct ArchiveCopy: Sendable {
    /// Per partition, the first offset that is not in the copy.
    public var archived = Cut()
    /// Segments that the copy names; and of them those that were copied now.
    public var segments = 0
    public var copiedSegments = 0
    public var copiedBytes = 0
    /// Below `manifests`.
    public var files: [CopiedFile] = []
    /// Below the pool: what the copy names.
    public var pooled: Set<String> = []
    /// What was not as its manifest says, one sentence each: it is not in the copy.
    public var damaged: [String] = []

    /// - Parameters:
    ///   - directory: the folder of archives; `source`: the source's name.
    ///   - manifests, pool: folders of the copy.
    ///   - limit: per partition, where the copy of the log ends; nil: there is none.
    ///   - progress: told of the bytes of every block; what it throws ends the copy.
    public init(
        of directory: String, source: String, manifests: String, pool: String, below limit: [Partition: Offset]?,
        progress: (Int) throws(ParallaxError) -> Void
    ) throws(ParallaxError) {
        let folder = ArchiveFolder(directory: directory, source: source)
        let name = Disk.name(of: folder.path)
        for file in try Disk.names(in: folder.path) where Disk.size(ofFile: "\(folder.path)/\(file)") != nil {
            try Disk.makeFolder("\(manifests)/\(name)")
            let copied = try Disk.copy("\(folder.path)/\(file)", to: "\(manifests)/\(name)/\(file)", progress: progress)
            files.append(CopiedFile(path: "\(name)/\(file)", bytes: copied.bytes, sha256: copied.sha256))
        }
        for partition in try folder.partitions() {
            var kept: [UInt8] = []
            for (line, segment) in try Self.lines(folder, partition) {
                if let limit, segment.next > (limit[partition] ?? .zero) { break }
                try keep(segment, at: folder.segment(segment), in: pool, name, progress)
                kept += line
                archived[partition] = segment.next
                segments += 1
            }
            let path = "\(name)/p=\(partition)/\(ArchiveFolder.manifestName)"
            try Disk.makeFolder("\(manifests)/\(name)/p=\(partition)")
            try Disk.write(kept, to: "\(manifests)/\(path)")
            files.append(CopiedFile(path: path, bytes: kept.count, sha256: try Disk.sha256(ofFile: "\(manifests)/\(path)")))
        }
    }

    /// Brings a copy back: the segments of a manifest's copy, then the manifest. What is there already, and is the same, stays.
    ///
    /// - Parameter path: of a file below the copy's `manifests`, as `files` has it.
    /// - Returns: what was damaged when the copy was made, and is not in it: the paths of those segments.
    public static func restore(
        _ path: String, manifests: String, pool: String, to directory: String, progress: (Int) throws(ParallaxError) -> Void
    ) throws(ParallaxError) -> [String] {
        var missing: [String] = []
        let target = "\(directory)/\(path)"
        try Disk.makeFolder(Disk.parent(of: target))
        if Disk.name(of: path) == ArchiveFolder.manifestName {
            let source = String(path.prefix { $0 != "/" })
            for (_, segment) in try lines(try Disk.read("\(manifests)/\(path)"), "\(manifests)/\(path)") {
                let to = "\(Disk.parent(of: target))/\(segment.file)"
                if Disk.size(ofFile: to) == segment.bytes, try Disk.sha256(ofFile: to, progress: progress) == segment.sha256 { continue }
                let from = "\(pool)/\(pooledName(segment, source))"
                guard Disk.exists(from) else {
                    missing.append(to)
                    continue
                }
                try Disk.copy(from, to: to, sha256: segment.sha256, progress: progress)
            }
        }
        try Disk.copy("\(manifests)/\(path)", to: target, progress: progress)
        return missing
    }

    private mutating func keep(
        _ segment: ArchiveSegment, at path: String, in pool: String, _ source: String, _ progress: (Int) throws(ParallaxError) -> Void
    ) throws(ParallaxError) {
        let name = Self.pooledName(segment, source)
        pooled.insert(name)
        let target = "\(pool)/\(name)"
        // It got its name when it was whole and its digest was right.
        if Disk.size(ofFile: target) == segment.bytes { return }
        try Disk.makeFolder(Disk.parent(of: target))
        do throws(ParallaxError) {
            try Disk.copy(path, to: target, firstBytes: segment.bytes, sha256: segment.sha256, progress: progress)
        } catch {
            guard error.code == .missing || error.code == .corrupt else { throw error }
            damaged.append(
                "segment \(path) (partition \(segment.partition), offsets \(segment.first) up to, not including, \(segment.next)): "
                    + [error.message, error.detail].compactMap(\.self).joined(separator: ". "))
            return
        }
        copiedSegments += 1
        copiedBytes += segment.bytes
    }

    /// Offsets alone would not tell a segment from one that was written anew under another schema.
    private static func pooledName(_ segment: ArchiveSegment, _ source: String) -> String {
        "\(source)/p=\(segment.partition)/\(ArchiveSegment.padded(segment.first))-\(segment.sha256.prefix(32)).parquet"
    }

    /// The manifest's whole lines that count, with what they say.
    private static func lines(_ folder: ArchiveFolder, _ partition: Partition) throws(ParallaxError) -> [(line: [UInt8], ArchiveSegment)] {
        guard let bytes = try File.read(folder.manifest(partition))?.contents() else { return [] }
        return try lines(bytes, folder.manifest(partition))
    }

    private static func lines(_ bytes: [UInt8], _ path: String) throws(ParallaxError) -> [(line: [UInt8], ArchiveSegment)] {
        var lines: [(line: [UInt8], ArchiveSegment)] = []
        let decoder = JSONDecoder()
        var start = 0
        while let feed = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            guard let segment = try? decoder.decode(ArchiveSegment.self, from: Data(bytes[start..<feed])) else {
                throw ParallaxError(
                    .corrupt, "the archive's manifest \"\(path)\" is damaged",
                    detail: "What begins at byte \(start) is not a segment's description.",
                    hint: "Restore the manifest from a backup; the segments themselves are untouched.")
            }
            let line = (Array(bytes[start...feed]), segment)
            // One that was written again stands further down, and counts in the place of the damaged one.
            if segment.replacedSHA256 != nil,
                let index = lines.lastIndex(where: { $0.1.first == segment.first && $0.1.next == segment.next })
            {
                lines[index] = line
            } else {
                lines.append(line)
            }
            start = feed + 1
        }
        return lines
    }
}
