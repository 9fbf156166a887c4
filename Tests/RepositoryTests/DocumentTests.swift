import Foundation
import Testing

@Suite struct DocumentTests {
    private func documents() throws -> [Repository.File] {
        let others = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "Sources/Catalog/README.md"]
        return try Repository().files(".md", in: ["docs", "examples"])
            + others.map { Repository.File(path: $0, text: try Repository().text($0)) }
    }

    @Test func noRelativeLinkIsDead() throws {
        var links = 0
        for document in try documents() {
            let folder = (document.path as NSString).deletingLastPathComponent
            for match in document.text.matches(of: /\]\(([^)\s]+)\)/) {
                let target = String(match.1)
                if target.contains("://") || target.hasPrefix("mailto:") { continue }
                links += 1
                let path = String(target.prefix { $0 != "#" })
                let whole = path.isEmpty ? document.path : folder.isEmpty ? path : "\(folder)/\(path)"
                #expect(FileManager.default.fileExists(atPath: Repository().root + "/" + whole), "\(document.path) links to \(target)")
            }
        }
        #expect(links > 10)
    }

    /// docs/invariants.md has a section for each number, and every test that it names exists and carries the number.
    @Test func everyInvariantHasItsTests() throws {
        let tests = try Repository().files(".swift", in: ["Tests"]).map(\.text).joined(separator: "\n")
        let functions = Set(tests.matches(of: /func ((?:I\d_)+\w+)/).map { String($0.1) })
        let sections = try Repository().text("docs/invariants.md").components(separatedBy: "\n## ").dropFirst()
        #expect(sections.map { String($0.prefix(2)) } == (1...8).map { "I\($0)" })
        for section in sections {
            let number = section.prefix(2)
            let named = section.matches(of: /- `(\w+)`/).map { String($0.1) }
            #expect(!named.isEmpty, "\(number) names no test")
            for name in named {
                #expect(functions.contains(name), "\(number): there is no test \(name)")
                #expect(name.contains("\(number)_"), "\(name) does not carry \(number)")
            }
        }
    }

    @Test func everyDecisionIsListed() throws {
        let folder = Repository().root + "/docs/decisions"
        let list = try Repository().text("docs/decisions/README.md")
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) where name != "README.md" {
            #expect(list.contains("(\(name))"), "docs/decisions/README.md does not list \(name)")
        }
    }

    /// A server that lacks one refuses every view that needs it: on a fresh machine the packages must bring them all.
    @Test func everyExtensionIsInstalledAndDocumented() throws {
        let code = try Repository().text("Sources/MergeLaw/StateColumn.swift")
        let list = try #require(code.firstMatch(of: /extensionTypes: Set<String> = \[(.*)\]/)).1
        let extensions = list.matches(of: /"(\w+)"/).map { String($0.1) }
        #expect(Set(extensions) == ["hll", "tdigest"])
        let packages = try Repository().text("scripts/packages")
        let image = try Repository().text("compose/postgres.Dockerfile")
        let documented = try Repository().text("docs/dependencies.md")
        for name in extensions {
            #expect(packages.contains("\npostgresql-15-\(name) "), "scripts/packages does not install \(name)")
            #expect(image.contains("postgresql-15-\(name) "), "compose/postgres.Dockerfile does not install \(name)")
            #expect(documented.contains("`\(name)`"), "docs/dependencies.md does not name \(name)")
        }
    }

    /// Every make target that `make help` lists exists with a description, and the scripts that they call can be run.
    @Test func scriptsCanBeRun() throws {
        let makefile = try Repository().text("Makefile")
        for match in makefile.matches(of: /(scripts\/[\w-]+)/) {
            let path = Repository().root + "/" + match.1
            #expect(FileManager.default.isExecutableFile(atPath: path), "\(match.1)")
        }
        #expect(FileManager.default.isExecutableFile(atPath: Repository().root + "/.ci/run"))
    }
}
