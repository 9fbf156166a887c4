import Foundation
import TestSupport
import Testing

/// Random schemas, events and views from the dialect, each through both layers, against PostgreSQL running the same SELECT.
///
/// `PARALLAX_GENERATED_CASES` says how many views are tried, `PARALLAX_GENERATED_SEED` with which seed to begin. A failure shrinks to a file,
/// which becomes a regression test when it is put in `Regressions`.
@Suite(.serialized) struct GeneratedTests {
    static let viewsPerSchema = 10
    private static var environment: [String: String] { ProcessInfo.processInfo.environment }
    static var seeds: [UInt64] {
        let cases = environment["PARALLAX_GENERATED_CASES"].flatMap { Int($0) } ?? 300
        let first = environment["PARALLAX_GENERATED_SEED"].flatMap { UInt64($0) } ?? 1
        return (0..<UInt64(max(1, cases / viewsPerSchema))).map { first + $0 }
    }

    @Test(arguments: seeds)
    func bothLayersAndTheirMergeEqualPostgreSQL(seed: UInt64) throws {
        let generated = GeneratedCase.random(seed: seed, views: Self.viewsPerSchema, records: 240)
        let outcome = try GeneratedTrial(generated).run()
        if let failure = outcome.failures.first {
            let path = try Self.shrink(generated, failure)
            Issue.record("seed \(seed), \(failure)\n  shrunk to \(path)")
        }
        for refusal in outcome.refused where !Self.isExpected(refusal.message) {
            Issue.record("seed \(seed): refused with \"\(refusal.message)\"\n  \(refusal.sql)")
        }
        // A generator that the dialect refuses proves nothing.
        #expect(outcome.views >= Self.viewsPerSchema / 2, "seed \(seed): only \(outcome.views) views were taken")
    }

    /// What an expression may run into, where PostgreSQL goes on.
    private static func isExpected(_ message: String) -> Bool {
        let known = [
            "comparing character with character varying", "of type character needs values of one length",
        ]
        return known.contains { message.contains($0) }
    }

    @Test(arguments: regressions)
    func whatFailedOnceHolds(_ name: String) throws {
        let outcome = try GeneratedTrial(try GeneratedCase.read("\(folder)/\(name)")).run()
        #expect(outcome.failures.isEmpty && outcome.refused.isEmpty, "\(name): \(outcome.failures) \(outcome.refused)")
    }

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().path() + "Regressions"
    private var folder: String { Self.folder }
    static let regressions = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { $0.hasSuffix(".json") }
        .sorted()

    private static func shrink(_ generated: GeneratedCase, _ failure: GeneratedTrial.Failure) throws -> String {
        guard environment["PARALLAX_GENERATED_SHRINK"] != "no" else { return "nothing, as PARALLAX_GENERATED_SHRINK says" }
        var shrinker = GeneratedShrinker { candidate in
            guard let outcome = try? GeneratedTrial(candidate).run() else { return false }
            return !outcome.failures.isEmpty
        }
        let smallest = shrinker.shrunk(generated, view: failure.view)
        let path = NSTemporaryDirectory() + "/generated-\(generated.seed)-\(failure.view).json"
        try smallest.write(to: path)
        return path
    }
}
