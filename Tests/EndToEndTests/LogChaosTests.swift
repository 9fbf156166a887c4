import Foundation
import ParallaxCore
import Postgres
import TestSupport
import Testing

/// Logs replaced, put back, made anew and exchanged at random moments, under every layer's commands.
///
///     a layer's command succeeded  ⟹  every event in the log of now is in the answer, and every one that was ever published
///     it did not                   ⟹  status says why, and there is a command that goes on
@Suite(.serialized) struct LogChaosTests {
    private enum Step: CaseIterable { case ingest, speed, archive, batch, full, backUp, putBack, replace, exchange }

    @Test(arguments: UInt64(1)...6) func I1_I7_whateverHappensToTheLogNothingIsSilentlyLess(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let pipeline = try LogIdentityTests.makePipeline()
        let log = pipeline.path + "/.parallax/log"
        var topic = "ev"
        var nextID = 0
        /// By topic: what the log there holds; and what each backup does.
        var held: [String: Set<Int>] = ["ev": [], "other": []]
        var backups: [(path: String, held: [String: Set<Int>])] = []
        var published: Set<Int> = []
        var trail: [String] = []

        func ingest() throws {
            let count = [1, 40, 300].randomElement(using: &random) ?? 1
            try LogIdentityTests.ingest(nextID..<nextID + count, into: pipeline)
            held[topic]?.formUnion(nextID..<nextID + count)
            nextID += count
        }
        func check(_ command: [String], isBatch: Bool) throws {
            let result = try Program.run(command + ["--pipeline", pipeline.path])
            let note = "seed \(seed), after \(trail.joined(separator: ", "))"
            trail.append("\(command.joined(separator: " ")) → \(result.status)")
            guard result.status == 0 else {
                #expect(result.status == 65, "\(note): \(result.errors)")
                let status = try pipeline.run("status").output
                #expect(status.contains("PROBLEM"), "\(note): \(status)")
                try pipeline.run("adopt-log", "ev", "--yes")
                trail.append("adopt-log")
                return
            }
            guard isBatch || command[0] == "speed" else { return }
            let counted = try LogIdentityTests.counted(pipeline)
            let here = held[topic] ?? []
            let lacksSome = try pipeline.run("status").output.contains("MISSING")
            if isBatch || !lacksSome {
                #expect(here.isSubset(of: counted.keys), "\(note): \(here.subtracting(counted.keys).count) of the log's events are missing")
            }
            if isBatch {
                #expect(published.isSubset(of: counted.keys), "\(note): \(published.subtracting(counted.keys).count) are gone again")
                #expect(counted.values.allSatisfy { $0 == 1 }, "\(note): some are counted more than once")
                published = Set(counted.keys)
            }
        }

        for _ in 0..<24 {
            switch Step.allCases.randomElement(using: &random) ?? .ingest {
            case .ingest: try ingest()
            case .speed: try check(["speed", "--until-caught-up"], isBatch: false)
            case .archive: try check(["archive", "--until-caught-up"], isBatch: false)
            case .batch: try check(["batch", "run"], isBatch: true)
            case .full: try check(["batch", "run", "--full"], isBatch: true)
            case .backUp:
                let path = pipeline.path + "/backup-\(backups.count)"
                try LogIdentityTests.copy(log, to: path)
                backups.append((path, held))
                trail.append("back up")
            case .putBack:
                guard let backup = backups.randomElement(using: &random) else { continue }
                try LogIdentityTests.copy(backup.path, to: log)
                held = backup.held
                trail.append("put back")
                if Bool.random(using: &random) { try ingest() }
            case .replace:
                LogIdentityTests.remove(log)
                held = ["ev": [], "other": []]
                trail.append("replace")
                try ingest()
                if Bool.random(using: &random) { try ingest() }
            case .exchange:
                topic = topic == "ev" ? "other" : "ev"
                try Data(LogIdentityTests.sql(topic: topic).utf8).write(to: URL(fileURLWithPath: pipeline.path + "/views.sql"))
                if Bool.random(using: &random) { try ingest() }
                try pipeline.run("apply", "--yes")
                trail.append("exchange")
            }
        }
        try ingest()
        try check(["speed", "--until-caught-up"], isBatch: false)
        try check(["batch", "run"], isBatch: true)
        try check(["batch", "run", "--full"], isBatch: true)
        #expect(published.isSuperset(of: held[topic] ?? []), "seed \(seed)")
    }
}
