import Foundation
import ParallaxCore
import Testing

@testable import parallax

/// compose/ is for machines with containers; what can be checked without them is checked here.
@Suite struct ComposeTests {
    private func text(_ name: String) throws -> String {
        var root = URL(fileURLWithPath: #filePath)
        for _ in 0..<3 { root.deleteLastPathComponent() }
        return try String(contentsOf: root.appendingPathComponent("compose/\(name)"), encoding: .utf8)
    }

    @Test func everyVariableAndCommandExists() throws {
        let compose = try text("compose.yaml")
        var seen = 0
        for match in compose.matches(of: /PARALLAX_[A-Z_]+/) {
            let name = String(match.0)
            let isKnown = ConfigurationKey.all.contains { $0.environmentVariable == name }
            #expect(isKnown || ConfigurationKey.kafkaProperty(variable: name) != nil, "\(name)")
            seen += 1
        }
        for match in compose.matches(of: /command: \["([a-z-]+)"([^\]]*)\]/) {
            let help = try CLIProgram.run("help", String(match.1))
            #expect(help.status == 0, "parallax \(match.1)")
            for flag in match.2.matches(of: /--[a-z-]+/) { #expect(help.output.contains(flag.0), "parallax \(match.1) \(flag.0)") }
            seen += 1
        }
        #expect(try CLIProgram.run("help", "batch", "run").status == 0 && compose.contains("parallax batch run"))
        #expect(seen >= 7)
    }

    /// The image builds with the packages that the machine's own build takes.
    @Test func theImageHasThePackagesOfTheBuild() throws {
        let table = try text("../scripts/packages")
        let image = try text("Dockerfile")
        let packages = table.matches(of: /\n([a-z0-9-]+-dev)\s+\| run/).map { String($0.1) }
        #expect(packages.count >= 6)
        for package in packages { #expect(image.contains(package), "\(package)") }
    }
}
