import Foundation

/// A folder of one test's own, removed with everything in it when the last reference goes.
///
/// Its path is short (PostgreSQL's sockets must fit into 107 bytes), and others may enter it (PostgreSQL runs as an
/// unprivileged user where the tests run as root).
public final class TemporaryFolder: Sendable {
    public let path: String

    public init(_ prefix: String = "parallax") throws {
        let parent = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        var template = Array("\(parent)/\(prefix)-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else {
            throw CocoaError(.fileWriteUnknown, userInfo: [NSFilePathErrorKey: "\(parent)/\(prefix)-XXXXXX"])
        }
        path = String(cString: made)
        chmod(path, 0o755)
    }

    /// The path of something in the folder; nothing is created.
    public func path(_ name: String) -> String { "\(path)/\(name)" }

    public static func with<R>(_ prefix: String = "parallax", _ body: (TemporaryFolder) throws -> R) throws -> R {
        let folder = try TemporaryFolder(prefix)
        return try withExtendedLifetime(folder) { try body(folder) }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
