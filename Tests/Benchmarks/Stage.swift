import Foundation
import Glibc

/// What one stage did: how many things, in how much wall time, with how much processor time of this process and of PostgreSQL's.
struct Stage: Codable {
    var name: String
    /// What is counted: records, groups, rows.
    var unit: String
    var count: Int
    var seconds: Double
    var cpuSeconds: Double
    /// Processor seconds of the server's processes; nil where the stage does not use it.
    var serverCPUSeconds: Double?

    var perSecond: Double { Double(count) / max(seconds, 1e-9) }
    var perCPUSecond: Double { Double(count) / max(cpuSeconds + (serverCPUSeconds ?? 0), 1e-9) }

    /// - Parameter server: a process id of PostgreSQL's postmaster, whose children are counted.
    static func measure(_ name: String, unit: String, server: pid_t? = nil, _ body: () throws -> Int) rethrows -> Stage {
        let clock = Clock(server: server)
        return clock.stop(name, unit: unit, count: try body())
    }

    /// Runs from its making on; for stages that cannot be a closure.
    struct Clock {
        private let server: pid_t?
        private let cpu = Stage.processCPU()
        private let serverCPU: Double?
        private let start = ContinuousClock.now

        init(server: pid_t?) {
            self.server = server
            serverCPU = server.map(Stage.treeCPU)
        }

        func stop(_ name: String, unit: String, count: Int) -> Stage {
            let elapsed = ContinuousClock.now - start
            let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
            return Stage(
                name: name, unit: unit, count: count, seconds: seconds, cpuSeconds: Stage.processCPU() - cpu,
                serverCPUSeconds: serverCPU.flatMap { before in server.map { max(0, Stage.treeCPU($0) - before) } })
        }
    }

    private static func processCPU() -> Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) * 1e-6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }

    /// Processor seconds of a process and its children, living and waited for: /proc/<pid>/stat, fields 14 to 17 (proc(5)).
    private static func treeCPU(_ root: pid_t) -> Double {
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        var sum = 0.0
        for entry in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
            guard let pid = pid_t(entry), let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
                let end = text.lastIndex(of: ")")
            else { continue }
            let fields = text[text.index(after: end)...].split(separator: " ")
            guard fields.count > 14, pid == root || pid_t(fields[1]) == root else { continue }
            sum += fields[11...(pid == root ? 14 : 12)].compactMap { Double($0) }.reduce(0, +) / ticks
        }
        return sum
    }
}
