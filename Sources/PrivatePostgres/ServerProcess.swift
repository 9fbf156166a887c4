import Disk
import Glibc
import ParallaxCore

/// A running server, as its `postmaster.pid` describes it.
struct ServerProcess {
    var process: pid_t
    /// Nil while it starts.
    var port: Int?
    /// Where it listens for TCP; empty where it does not.
    var address: String

    /// Nil where no server runs on this data folder. A file left by a crash, or a process number that someone else has by now, does not
    /// count: a PostgreSQL server's working directory is its data folder.
    static func running(in folder: ServerFolder) -> ServerProcess? {
        guard let lines = pidFile(folder), let process = lines.first.flatMap({ pid_t($0) }), process > 0,
            workingFolder(process) == folder.data
        else { return nil }
        return ServerProcess(
            process: process, port: lines.count > 3 ? Int(lines[3]) : nil,
            address: lines.count > 5 ? lines[5] : "")
    }

    /// Lines: process, data folder, start, port, socket folder, listen address, …; the later ones come while the server starts.
    private static func pidFile(_ folder: ServerFolder) -> [String]? {
        readFile("\(folder.data)/postmaster.pid")?.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    static func workingFolder(_ process: pid_t) -> String? { Disk.linkTarget("/proc/\(process)/cwd") }

    /// A process that has ended and that nobody has waited for (a zombie) is gone.
    static func isAlive(_ process: pid_t) -> Bool {
        guard let status = readFile("/proc/\(process)/stat"), let name = status.lastIndex(of: ")") else { return false }
        return status[name...].dropFirst(2).first != "Z"
    }

    /// Every process that works in the data folder: the server and its backends.
    static func all(in folder: ServerFolder) -> [pid_t] {
        entries(of: "/proc").compactMap { pid_t($0) }.filter { workingFolder($0) == folder.data }
    }

    /// Idle backends of a killed server end within milliseconds; what is there after this long is busy with a statement for nobody.
    static let patienceWithOrphans: Duration = .seconds(3)

    /// Clears away what a server that was killed left: its backends, which end by themselves as soon as they notice (a long statement does
    /// not), and its lock files, which PostgreSQL believes where any process of the same user has the number by now, even a zombie.
    static func clearRemains(in folder: ServerFolder, log: (String) -> Void) throws(ParallaxError) {
        let patience = ContinuousClock.now + patienceWithOrphans
        var areKilled = false
        while true {
            let remains = all(in: folder)
            if remains.isEmpty { break }
            let names = remains.map(String.init).joined(separator: ", ")
            if !areKilled && ContinuousClock.now >= patience {
                log("ending processes that a killed PostgreSQL server left: \(names)")
                for process in remains where workingFolder(process) == folder.data { kill(process, SIGKILL) }
                areKilled = true
            }
            guard ContinuousClock.now < patience + .seconds(10) else {
                throw ParallaxError(
                    .unavailable, "processes of a killed PostgreSQL server do not end", detail: "Processes: \(names).",
                    hint: "A process that kill -9 does not end waits for a disk: look there.")
            }
            pause(milliseconds: 20)
        }
        let sockets = entries(of: folder.path).filter { $0.hasPrefix(".s.PGSQL.") }.map { "\(folder.path)/\($0)" }
        for file in ["\(folder.data)/postmaster.pid"] + sockets {
            try Disk.removeFile(file)
        }
    }

    /// Starts the server, not as our child: it is to outlive us, and nobody of ours would wait for it. The shell tells its number and ends.
    static func start(_ programs: ServerPrograms, in folder: ServerFolder) throws(ParallaxError) -> pid_t {
        let shell = try folder.user.running(
            "/bin/sh", ["-c", "\"$@\" </dev/null >\"$0\" 2>&1 & echo $!", folder.startLog, programs.path("postgres"), "-D", folder.data],
            environment: ["PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": folder.path])
        let result = try shell.run()
        guard result.status == 0, let process = pid_t(result.output.firstLine) else {
            throw ParallaxError(
                .unavailable, "cannot start the private PostgreSQL in \(folder.path)", detail: result.output, isRetriable: false)
        }
        return process
    }

    /// A fast shutdown: clients are disconnected, transactions rolled back, a checkpoint written. Returns when the server is gone.
    func stop(in folder: ServerFolder, deadline: ContinuousClock.Instant) throws(ParallaxError) {
        guard kill(process, SIGINT) == 0 || errno == ESRCH else { throw systemError("stop the PostgreSQL server (process \(process))") }
        while Self.isAlive(process) {
            guard ContinuousClock.now < deadline else {
                throw ParallaxError(
                    .unavailable, "the private PostgreSQL (process \(process)) did not stop in time", detail: folder.lastLogLines())
            }
            pause(milliseconds: 10)
        }
        // Where we are the system's first process (in a container), the server became our child and waits for this.
        waitpid(process, nil, WNOHANG)
    }
}
