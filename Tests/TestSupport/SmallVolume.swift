import Foundation

/// A file system in memory of a chosen size, for tests of a full disk. Needs the right to mount.
public struct SmallVolume: Sendable {
    public let path: String

    /// The reason for which tests of a full disk are skipped; nil where they can run.
    public static let trouble: String? = {
        do {
            let folder = try TemporaryFolder("volume")
            try SmallVolume(folder.path("try"), kilobytes: 64).unmount()
            return nil
        } catch { return "no volume can be mounted here: \(error)" }
    }()

    public struct Failure: Error, CustomStringConvertible {
        public var description: String
    }

    /// Makes the folder and mounts the volume there.
    public init(_ path: String, kilobytes: Int) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        self.path = path
        guard try Self.run(["mount", "-t", "tmpfs", "-o", "size=\(kilobytes)k", "tmpfs", path]) == 0 else {
            throw Failure(description: "mount was refused")
        }
    }

    public func unmount() { _ = try? Self.run(["umount", path]) }

    private static func run(_ arguments: [String]) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }
}
