import Glibc
import ParallaxCore

/// Where PostgreSQL's server programs are (`initdb`, `pg_ctl`, `postgres`). Debian keeps them out of PATH, one folder a version.
public struct ServerPrograms: Sendable, Hashable {
    /// The oldest version that we work with: MERGE, and the grammar of our SQL parser.
    public static let minVersion = 15

    public var folder: String
    /// Major version.
    public var version: Int

    public func path(_ program: String) -> String { "\(folder)/\(program)" }

    /// The newest version of at least `minVersion` (or exactly `wanted`) among pg_config's folder, the Debian layout below `debianRoot`
    /// and `path`. Throws `.notInstalled` with the command that brings it.
    public static func find(
        version wanted: Int? = nil, path: String = environmentVariable("PATH") ?? "/usr/bin:/bin",
        debianRoot: String = "/usr/lib/postgresql"
    ) throws(ParallaxError) -> ServerPrograms {
        var folders: [String] = []
        let searched = path.split(separator: ":").map(String.init)
        for folder in searched where isExecutable("\(folder)/pg_config") {
            if let result = try? ChildProgram("\(folder)/pg_config", ["--bindir"]).run(), result.status == 0 {
                folders.append(String(result.output.prefix { !$0.isNewline }))
            }
        }
        folders += entries(of: debianRoot).map { "\(debianRoot)/\($0)/bin" }
        folders += searched
        var others: [String] = []
        var found: [ServerPrograms] = []
        for folder in folders where !folder.isEmpty && ["initdb", "pg_ctl", "postgres"].allSatisfy({ isExecutable("\(folder)/\($0)") }) {
            guard let version = version(in: folder) else { continue }
            if version >= minVersion && (wanted ?? version) == version {
                found.append(ServerPrograms(folder: folder, version: version))
            } else {
                others.append("\(folder) (version \(version))")
            }
        }
        if let newest = found.max(by: { $0.version < $1.version }) { return newest }
        let looked = "Looked in pg_config --bindir, \(debianRoot)/*/bin and PATH."
        let detail = others.isEmpty ? looked : "\(looked) Found \(others.joined(separator: ", "))."
        if let wanted {
            throw ParallaxError(
                .notInstalled, "the data of the private PostgreSQL was made by version \(wanted), which is not installed", detail: detail,
                hint: "Run: apt-get install \(packages(wanted))")
        }
        throw ParallaxError(
            .notInstalled, "no PostgreSQL server of version \(minVersion) or later is installed", detail: detail,
            hint: "Run: apt-get install \(packages(minVersion))   (or set postgres.url to a server of yours)")
    }

    private static func packages(_ version: Int) -> String { "postgresql-\(version) postgresql-\(version)-hll" }

    /// `postgres (PostgreSQL) 15.20 (Debian …)` → 15.
    private static func version(in folder: String) -> Int? {
        guard let result = try? ChildProgram("\(folder)/postgres", ["--version"]).run(), result.status == 0,
            let match = result.output.firstMatch(of: /\(PostgreSQL\) (\d+)/)
        else { return nil }
        return Int(match.1)
    }
}

/// Nil where it is not set.
public func environmentVariable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

func isExecutable(_ path: String) -> Bool { access(path, X_OK) == 0 }
