import ArgumentParser
import Foundation
import ParallaxCore
import Postgres

struct PsqlCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "psql", abstract: "Open psql on the pipeline's PostgreSQL, with its views in the search path.",
        discussion: discussion(
            "Starts the private server where it is down. What follows -- is for psql.",
            example: "parallax psql --pipeline demo -- -c 'TABLE top_pages'"))

    @OptionGroup var options: PipelineOptions
    @Argument(parsing: .postTerminator, help: "Arguments for psql.") var arguments: [String] = []

    func run() throws {
        let pipeline = try options.pipeline()
        guard let psql = findProgram("psql") else {
            throw ParallaxError(.notInstalled, "psql is not installed", hint: "Run: apt-get install postgresql-client")
        }
        let database = try Database(pipeline)
        // By environment, so that no password stands in the list of processes.
        var environment = ProcessInfo.processInfo.environment
        for (name, value) in try Connection.environment(for: database.dsn) { environment[name] = value }
        let given = environment["PGOPTIONS"].map { $0 + " " } ?? ""
        environment["PGOPTIONS"] = given + "-c search_path=serving,public"
        // Ctrl-C cancels a query of psql's; we wait for psql whatever happens.
        Interrupt.leaveToChild(true)
        let status = try runInForeground(psql, arguments, environment)
        try database.close()
        if status != 0 { throw ExitCode(status) }
    }
}

/// The program's path by PATH and Debian's folders; nil where there is none.
func findProgram(_ name: String) -> String? {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    return (path.split(separator: ":").map(String.init) + ["/usr/bin", "/bin", "/usr/local/bin"])
        .map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
}

/// Runs a program on our terminal, in our process group, and waits. Its exit status; 128 + signal where a signal ended it.
func runInForeground(_ path: String, _ arguments: [String], _ environment: [String: String]) throws(ParallaxError) -> Int32 {
    let argv = ([path] + arguments).map { strdup($0) }
    let envp = environment.map { strdup("\($0.key)=\($0.value)") }
    defer { for pointer in argv + envp { free(pointer) } }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // We ignore these; a child would inherit that.
    var defaults = sigset_t()
    sigemptyset(&defaults)
    for number in [SIGINT, SIGTERM, SIGPIPE] { sigaddset(&defaults, number) }
    posix_spawnattr_setsigdefault(&attributes, &defaults)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))
    var process = pid_t()
    let code = posix_spawn(&process, path, nil, &attributes, argv + [nil], envp + [nil])
    guard code == 0 else { throw ParallaxError(.notInstalled, "cannot run \(path)", detail: String(cString: strerror(code))) }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0 && errno == EINTR {}
    let signal = status & 0x7F
    return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
}
