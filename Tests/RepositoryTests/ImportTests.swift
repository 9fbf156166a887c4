import Foundation
import Testing

/// The arrows of the design, as Package.swift draws them and as the sources use them.
@Suite struct ImportTests {
    struct Target {
        var name: String
        var path: String
        var mayImport: Set<String>
    }

    /// What comes with the toolchain and the C library.
    static let system: Set<String> = [
        "Foundation", "FoundationEssentials", "Glibc", "Musl", "Darwin", "Dispatch", "Synchronization", "Testing",
    ]

    static func targets() throws -> [Target] {
        let package = try Repository().text("Package.swift")
        var targets: [Target] = []
        let declaration = /\.(?:target|executableTarget|testTarget)\(\s*name: "(\w+)"(.*?)path: "([^"]+)"/.dotMatchesNewlines()
        for match in package.matches(of: declaration) {
            let body = String(match.2)
            guard !body.contains("\\(name)"), match.1 != "name" else { continue }
            // Products of packages are modules of the same name.
            let named = body.matches(of: /"(\w+)"/).map { String($0.1) }
            targets.append(Target(name: String(match.1), path: String(match.3), mayImport: Set(named)))
        }
        for match in package.matches(of: /\n\s+tests\(\s*"(\w+)",\s*\[([^\]]*)\]/) {
            let named = String(match.2).matches(of: /"(\w+)"/).map { String($0.1) }
            let name = String(match.1)
            targets.append(Target(name: "\(name)Tests", path: "Tests/\(name)Tests", mayImport: Set(named + [name, "TestSupport"])))
        }
        return targets
    }

    static func imports(_ file: Repository.File) -> Set<String> {
        let pattern =
            /^\s*(?:@testable |@_exported |@preconcurrency |public |internal |package )*import (?:struct |class |enum |func |protocol )?([A-Z]\w+|parallax)/
        // Modules begin with a capital letter; Python scripts inside string literals import, too.
        return Set(file.lines.compactMap { try? pattern.prefixMatch(in: $0).map { String($0.1) } })
    }

    @Test func everyFileImportsOnlyWhatItsTargetMay() throws {
        let targets = try Self.targets()
        #expect(targets.count >= 35, "Package.swift was read wrongly: \(targets.map(\.name))")
        for file in try Repository().swiftFiles() {
            let owner = targets.filter { file.path.hasPrefix($0.path + "/") }.max { $0.path.count < $1.path.count }
            guard let owner else {
                Issue.record("\(file.path) belongs to no target")
                continue
            }
            let foreign = Self.imports(file).subtracting(owner.mayImport).subtracting(Self.system).subtracting([owner.name])
            #expect(foreign.isEmpty, "\(file.path) imports \(foreign.sorted()), which \(owner.name) may not")
        }
    }

    /// An arrow that nobody uses is a permission that nobody decided on: the next import of it goes unseen.
    @Test func everyArrowIsUsed() throws {
        let files = try Repository().swiftFiles()
        let targets = try Self.targets()
        let modules = Set(targets.map(\.name))
        var foreign = Self.system
        for target in targets {
            let used = files.filter { $0.path.hasPrefix(target.path + "/") }.reduce(into: Set<String>()) { $0.formUnion(Self.imports($1)) }
            foreign.subtract(used)
            // Every suite may use what tests share.
            let dead = target.mayImport.intersection(modules).subtracting(used).subtracting([target.name, "TestSupport"])
            #expect(dead.isEmpty, "Package.swift lets \(target.name) import \(dead.sorted()), and it does not: take the arrow away")
        }
        #expect(foreign.isEmpty, "nobody imports \(foreign.sorted()): take them out of `system`")
    }

    /// Only executables see two of them.
    @Test func theLayersNeverImportOneAnother() throws {
        let layers = [["SpeedLayer", "SpeedWorker"], ["BatchLayer", "BatchWorker"], ["ServingViews"]]
        for target in try Self.targets() where !target.name.hasSuffix("Tests") && !["parallax", "benchmarks"].contains(target.name) {
            let seen = layers.filter { !target.mayImport.union([target.name]).isDisjoint(with: $0) }
            #expect(seen.count <= 1, "\(target.name) sees two layers: \(seen)")
        }
    }

    @Test func whatDecidesImportsNothingThatActs() throws {
        let acting: Set<String> = [
            "Disk", "EmbeddedLog", "KafkaLog", "Archive", "Postgres", "PrivatePostgres", "Catalog", "Compression", "Logging",
            "ServiceLifecycle",
        ]
        for target in try Self.targets()
        where ["ParallaxCore", "Columns", "ViewLanguage", "MergeLaw", "Operators", "SpeedLayer", "BatchLayer"].contains(target.name) {
            #expect(target.mayImport.isDisjoint(with: acting), "\(target.name)")
        }
    }

    @Test func everyCModuleHasOneImporter() throws {
        let targets = try Self.targets().filter { !$0.name.hasSuffix("Tests") }
        let modules = try FileManager.default.contentsOfDirectory(atPath: Repository().root + "/Sources").filter {
            $0.first == "C" && $0.dropFirst().first?.isUppercase == true
        }
        #expect(modules.count >= 8)
        for module in modules {
            let importers = targets.filter { $0.mayImport.contains(module) }.map(\.name)
            #expect(importers.count == 1, "\(module) is imported by \(importers)")
        }
    }
}
