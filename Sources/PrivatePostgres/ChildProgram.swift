import CParallaxSystem
import Glibc
import ParallaxCore

/// One program to be run as a child. It inherits no descriptor but the three standard ones, gets a session of its own (so that Ctrl-C in
/// the terminal is not for it) and default signal handling, and is always waited for.
package struct ChildProgram {
    package var path: String
    package var arguments: [String]
    package var environment: [String: String]
    /// Descriptor for standard input; /dev/null where nil.
    package var input: Int32?
    /// File for standard output and error, appended to; where nil, `run` collects them.
    package var outputFile: String?

    package struct Result {
        /// Exit status; 128 + signal where a signal ended it.
        package var status: Int32
        /// Standard output and error as they came.
        package var output: String
    }

    package init(_ path: String, _ arguments: [String], environment: [String: String]? = nil) {
        self.path = path
        self.arguments = arguments
        self.environment = environment ?? ["PATH": environmentVariable("PATH") ?? "/usr/bin:/bin", "LC_ALL": "C"]
    }

    /// Starts it and returns its process id. The caller waits for it (`waitForExit`).
    package func start(output: Int32? = nil) throws(ParallaxError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        if let output {
            posix_spawn_file_actions_adddup2(&actions, output, 1)
        } else {
            posix_spawn_file_actions_addopen(&actions, 1, outputFile ?? "/dev/null", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        }
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // Nobody else's locks or sockets: a server that outlives us would hold them.
        csystem_spawn_close_from(&actions, 3)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, csystem_spawn_setsid() | Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF))

        var process = pid_t()
        let variables = environment.map { "\($0.key)=\($0.value)" }
        let code = withArgumentVector([path] + arguments) { argv in
            withArgumentVector(variables) { envp in posix_spawn(&process, path, &actions, &attributes, argv, envp) }
        }
        guard code == 0 else {
            throw ParallaxError(
                code == ENOENT || code == EACCES ? .notInstalled : .limit, "cannot run \(path): \(String(cString: strerror(code)))")
        }
        return process
    }

    /// Runs it to its end. `limit`: kept bytes of output; the rest is read and dropped.
    package func run(limit: Int = 1 << 20) throws(ParallaxError) -> Result {
        if outputFile != nil {
            return Result(status: Self.waitForExit(try start()), output: "")
        }
        let pipe = try makePipe()
        let process: pid_t
        do {
            process = try start(output: pipe.write)
        } catch {
            close(pipe.read)
            close(pipe.write)
            throw error
        }
        close(pipe.write)
        let output = Self.readAll(pipe.read, limit: limit)
        close(pipe.read)
        return Result(status: Self.waitForExit(process), output: String(decoding: output, as: UTF8.self))
    }

    @discardableResult
    package static func waitForExit(_ process: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 {
            guard errno == EINTR else { return -1 }
        }
        let signal = status & 0x7f
        return signal == 0 ? (status >> 8) & 0xff : 128 + signal
    }

    private static func readAll(_ descriptor: Int32, limit: Int) -> [UInt8] {
        var output: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = chunk.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return output }
            if output.count < limit { output.append(contentsOf: chunk[..<count]) }
        }
    }
}

/// Both ends close in every child.
package func makePipe() throws(ParallaxError) -> (read: Int32, write: Int32) {
    var ends: [Int32] = [-1, -1]
    guard csystem_pipe_cloexec(&ends) == 0 else {
        throw ParallaxError(.limit, "cannot make a pipe: \(String(cString: strerror(errno)))")
    }
    return (ends[0], ends[1])
}

private func withArgumentVector<R>(_ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> R) -> R {
    let pointers = strings.map { strdup($0) }
    defer { for pointer in pointers { free(pointer) } }
    return body(pointers + [nil])
}
