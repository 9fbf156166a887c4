import Foundation
import Testing

/// Habits that a compiler does not check.
@Suite struct SourceTests {
    @Test func noTestSleeps() throws {
        // In two parts, so that this file is not its own finding.
        let calls = ["sle" + "ep(", "usle" + "ep(", "nanosle" + "ep("]
        // In SQL it stands in a string: a lock that another session holds is waited for as long as anybody likes.
        let inSQL = "pg_sle" + "ep"
        for file in try Repository().files(".swift", in: ["Tests"]) {
            for (index, line) in file.lines.enumerated() {
                let code = line.prefix { $0 != "\"" }
                let isCall = calls.contains { call in
                    code.ranges(of: call).contains { range in
                        // A name that merely ends so is another function.
                        range.lowerBound == code.startIndex || !(code[code.index(before: range.lowerBound)].isLetter)
                    }
                }
                #expect(
                    !isCall && !line.contains(inSQL),
                    "\(file.path):\(index + 1) waits for time to pass; wait for a condition, with a deadline")
            }
        }
    }

    /// A machine may be much slower than the one that a test was written on, and busy: what comes is not late before half a minute, and no test compares how
    /// long something took.
    @Test func noTestMeasuresTheMachine() throws {
        let isShort = /within: \.(?:milliseconds|microseconds|seconds\((?:[0-9]|[12][0-9])\))/
        let isMeasured = /(?:\.now - [a-zA-Z.]+|elapsed|took) <=?[ ]/
        let files = try Repository().files(".swift", in: ["Tests"]).filter { !$0.path.contains("Tests/Benchmarks/") }
        #expect(files.count > 100, "nothing was looked at")
        for file in files {
            for (index, line) in file.lines.enumerated() {
                #expect(
                    !line.contains(isShort) && !line.contains(isMeasured),
                    "\(file.path):\(index + 1) fails on a slow machine; wait for the state itself, for a minute")
            }
        }
    }

    /// What makes a file durable, locks it or asks for the time of day stands once: a second place forgets a signal, a folder or a permission.
    @Test func filesAreLockedAndMadeDurableInOnePlace() throws {
        let call = /(?:^|[^.\w`])(?:flock|fsync|fdatasync|rename|ftruncate|pread|pwrite)\(|clock_gettime|Date\(\)/
        var uses = 0
        for file in try Repository().files(".swift", in: ["Sources", "speed", "batch", "serving"]) {
            for (index, line) in file.lines.enumerated() where line.contains(call) {
                if line.trimmingCharacters(in: .whitespaces).hasPrefix("//") { continue }
                let isItsPlace = file.path.contains("Sources/Disk/") || file.path.hasSuffix("ParallaxCore/Instant+SystemClock.swift")
                uses += isItsPlace ? 1 : 0
                #expect(isItsPlace, "\(file.path):\(index + 1) does by itself what Sources/Disk (or systemClock) does")
            }
        }
        #expect(uses > 5, "nothing was looked at")
    }

    /// A seed that a test prints means the same in all of them.
    @Test func testsHaveOneSeededGenerator() throws {
        let generators = try Repository().files(".swift", in: ["Tests"]).filter { file in
            file.text.contains("RandomNumberGenerator")
                && file.lines.contains { $0.contains(/^\s*(public )?(struct|class|extension) \w+: RandomNumberGenerator/) }
        }
        #expect(generators.map { $0.path.split(separator: "/").last } == ["SeededGenerator.swift"])
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

    /// Literals in the file that read or write a control table, with their lines; white space is one space.
    private func statements(_ file: Repository.File) -> [(line: Int, text: String)] {
        let literal = /"""(?<long>.*?)"""|"(?<short>(?:[^"\\\n]|\\.)*)"/.dotMatchesNewlines()
        let statement = /\b(FROM|JOIN|INTO|UPDATE|TABLE|VIEW|ONLY|REFERENCES|TRIGGER ON)\s+(IF (NOT )?EXISTS\s+)?parallax\.\w/
        // Comments name tables, and hold quotes.
        let code = file.lines.map { $0.trimmingCharacters(in: .whitespaces).hasPrefix("//") ? "" : $0 }.joined(separator: "\n")
        return code.matches(of: literal).compactMap { match in
            let text = String(match.output.long ?? match.output.short ?? "")
            guard text.contains(statement) else { return nil }
            let line = code[..<match.range.lowerBound].count { $0 == "\n" } + 1
            return (line, text.split(whereSeparator: \.isWhitespace).joined(separator: " "))
        }
    }

    /// One owner for each control table.
    @Test func statementsOnControlTablesStandInTheCatalog() throws {
        // The texts of merged views name them as data; a note tells people what they may ask.
        let exempt = [
            "serving/ServingViews/ChangesSQL.swift", "serving/ServingViews/ComparisonViewSQL.swift",
            "serving/ServingViews/MergedViewSQL.swift",
        ]
        let told = "(SELECT * FROM parallax.late_window)"
        var inCatalog = 0
        var needed: Set<String> = []
        for file in try Repository().files(".swift", in: ["Sources", "speed", "batch", "serving"]) {
            let found = statements(file)
            if exempt.contains(file.path) {
                if !found.isEmpty { needed.insert(file.path) }
                continue
            }
            if file.path.hasPrefix("Sources/Catalog/") {
                inCatalog += found.count
                continue
            }
            for (line, text) in found {
                if text.contains(told) {
                    needed.insert(told)
                    continue
                }
                Issue.record("\(file.path):\(line) is a statement on a control table: it belongs to Sources/Catalog\n\(text)")
            }
        }
        #expect(needed == Set(exempt + [told]), "an exemption that nothing needs any more: take it away")
        #expect(inCatalog > 100, "the statements of the catalog were not found: only \(inCatalog)")
    }

    /// Two places that say the same will say two things.
    @Test func noStatementOnControlTablesStandsTwice() throws {
        var places: [String: [String]] = [:]
        for file in try Repository().files(".swift", in: ["Sources", "speed", "batch", "serving"]) {
            for (line, text) in statements(file) { places[text, default: []].append("\(file.path):\(line)") }
        }
        for (text, places) in places where places.count > 1 {
            Issue.record("\(places.joined(separator: ", ")): make one function of\n\(text)")
        }
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

    /// A code of five characters says nothing to whoever reads it: `SQLState` in Sources/Postgres names it, once.
    @Test func errorsOfPostgreSQLHaveNames() throws {
        let code = /"[0-9][0-9A-Z]{4}"/
        for file in try Repository().files(".swift", in: ["Sources", "speed", "batch", "serving"]) {
            guard file.path != "Sources/Postgres/SQLState.swift" else { continue }
            for (index, line) in file.lines.enumerated() where line.contains("sqlState") || line.contains("SQLState") {
                #expect(line.firstMatch(of: code) == nil, "\(file.path):\(index + 1) names an error of PostgreSQL by its code")
            }
        }
    }

    /// A null that should not be there is an error that names the column, not a 0: see Row+Values in Sources/Postgres.
    @Test func noValueOfARowHasADefault() throws {
        let value =
            /(row|rows|first|\$0|\$1)(\[0\])?\??(\[[^\]]+\]|\.(int|text|bool|double|optional\w+|partition|offset|slice|run|instant)\([^()]*\))/
        let fallback = /\)*\s*\?\?\s*(-?[0-9]|"|true\b|false\b|\[\]|\.zero\b|\.infinity\b)/
        var values = 0
        for file in try Repository().files(".swift", in: ["Sources", "speed", "batch", "serving"])
        where file.text.contains("import Postgres") {
            for match in file.text.matches(of: value) {
                values += 1
                guard file.text[match.range.upperBound...].prefixMatch(of: fallback) != nil else { continue }
                let line = file.text[..<match.range.lowerBound].count { $0 == "\n" } + 1
                Issue.record(
                    "\(file.path):\(line) makes a value of a null: decode it with row.int(…), or say in SQL what null means (coalesce)")
            }
        }
        #expect(values > 200, "the values of rows were not found: only \(values)")
    }

    @Test func nothingThatIsBuiltIsCommitted() throws {
        guard let paths = try Repository().trackedPaths() else { return }
        #expect(paths.contains("Package.swift"))
        for path in paths {
            let isBuilt = path == "Package.resolved" || path.hasPrefix(".build") || path.hasPrefix(".venv") || path.contains(".parallax/")
            #expect(!isBuilt, "\(path)")
        }
    }

    @Test func ignoredAndFormattedAsAgreed() throws {
        let ignored = try Repository().text(".gitignore").split(separator: "\n")
        for line in [".build/", ".build-address/", ".build-thread/", "Package.resolved", ".parallax/"] {
            #expect(ignored.contains { $0 == line })
        }
        #expect(FileManager.default.fileExists(atPath: Repository().root + "/.swift-format"))
        #expect(try Repository().text("LICENSE").contains("Apache License"))
    }
}
