import Foundation
import Testing

/// Habits that a compiler does not check.
@Suite struct SourceTests {
    @Test func noTestSleeps() throws {
        // In two parts, so that this file is not its own finding.
        let calls = ["sle" + "ep(", "usle" + "ep(", "nanosle" + "ep("]
        for file in try Repository().files(".swift", in: ["Tests"]) {
            for (index, line) in file.lines.enumerated() {
                let code = line.prefix { $0 != "\"" }
                let isCall = calls.contains { call in
                    code.ranges(of: call).contains { range in
                        // `pg_…` in SQL is PostgreSQL's, in a string; a name that merely ends so is another function.
                        range.lowerBound == code.startIndex || !(code[code.index(before: range.lowerBound)].isLetter)
                    }
                }
                #expect(!isCall, "\(file.path):\(index + 1) waits for time to pass; wait for a condition, with a deadline")
            }
        }
    }

    @Test func everyUncheckedIsExplained() throws {
        let word = "@unche" + "cked"
        var uses = 0
        for file in try Repository().swiftFiles() {
            let lines = file.lines
            for (index, line) in lines.enumerated() where line.contains(word) && !line.trimmingCharacters(in: .whitespaces).hasPrefix("//")
            {
                if line.contains("\"") { continue }
                uses += 1
                // The comment right above the declaration names the lock, the thread or the library's guarantee.
                var above = index - 1
                var comment = line.contains("//") ? String(line) : ""
                while above >= 0, lines[above].trimmingCharacters(in: .whitespaces).hasPrefix("//") {
                    comment += lines[above]
                    above -= 1
                }
                #expect(
                    comment.contains(word),
                    "\(file.path):\(index + 1) does not say why it is safe: write what guards it, beside the word \(word)")
            }
        }
        #expect(uses > 0, "nothing was looked at")
    }

    @Test func nothingEndsTheProcessOnBadInput() throws {
        let calls = ["try" + "! ", "fatal" + "Error("]
        for file in try Repository().files(".swift", in: ["Sources", "speed", "batch", "serving"]) {
            for (index, line) in file.lines.enumerated() {
                let code = line.trimmingCharacters(in: .whitespaces)
                #expect(code.hasPrefix("//") || !calls.contains { code.contains($0) }, "\(file.path):\(index + 1)")
            }
        }
    }

    @Test func nothingThatIsBuiltIsCommitted() throws {
        guard let paths = try Repository().trackedPaths() else { return }
        #expect(paths.contains("Package.swift"))
        for path in paths {
            let isBuilt = path == "Package.resolved" || path.hasPrefix(".build/") || path.hasPrefix(".venv/") || path.contains(".parallax/")
            #expect(!isBuilt, "\(path)")
        }
    }

    @Test func ignoredAndFormattedAsAgreed() throws {
        let ignored = try Repository().text(".gitignore").split(separator: "\n")
        for line in [".build/", "Package.resolved", ".parallax/"] { #expect(ignored.contains { $0 == line }) }
        #expect(FileManager.default.fileExists(atPath: Repository().root + "/.swift-format"))
        #expect(try Repository().text("LICENSE").contains("Apache License"))
    }
}
