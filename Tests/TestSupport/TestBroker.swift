import Glibc
import ParallaxCore
import PrivatePostgres
import Synchronization

/// A Kafka broker of one test's own: a process that speaks the real protocol on TCP and obeys commands (Tests/TestBroker/main.c says which).
///
/// It ends when its standard input does, which only this process holds: also when the test is killed.
public final class TestBroker: Sendable {
    public let bootstrapServers: String
    public let process: pid_t
    private let commands: Int32
    private let answers: Mutex<LineInput>

    /// - Parameter killed: a broker that was killed: this one takes its place, at the same addresses, with nothing in it.
    public convenience init(inPlaceOf killed: TestBroker) throws(ParallaxError) {
        let ports = killed.bootstrapServers.split(separator: ",").compactMap { $0.split(separator: ":").last.map(String.init) }
        try self.init(brokers: ports.count, ports: ports)
    }

    public convenience init(brokers: Int = 1) throws(ParallaxError) { try self.init(brokers: brokers, ports: []) }

    private init(brokers: Int, ports: [String]) throws(ParallaxError) {
        // Closed in every other child: or else those would keep the broker alive.
        let input = try makePipe()
        let output = try makePipe()
        process = try Self.start(Self.program(), ["\(brokers)"] + ports, input: input.read, output: output.write)
        close(input.read)
        close(output.write)
        commands = input.write
        var lines = LineInput(descriptor: output.read)
        guard let first = lines.next(), !first.isEmpty else {
            throw ParallaxError(
                .notInstalled, "the test broker \(Self.program()) does not run", hint: "swift build builds it; it needs librdkafka")
        }
        bootstrapServers = first
        answers = Mutex(lines)
    }

    /// Throws the broker's own words where it does not obey.
    public func tell(_ command: String) throws(ParallaxError) {
        try answers.withLock { (lines) throws(ParallaxError) in
            let line = Array("\(command)\n".utf8)
            guard line.withUnsafeBytes({ write(commands, $0.baseAddress, $0.count) }) == line.count, let answer = lines.next() else {
                throw ParallaxError(.unavailable, "the test broker has ended")
            }
            guard answer == "ok" else { throw ParallaxError(.usage, "test broker: \(command): \(answer)") }
        }
    }

    /// A topic with a name that no other has.
    public func makeTopic(_ prefix: String = "events", partitions: Int) throws(ParallaxError) -> String {
        let topic = "\(prefix)-\(Self.topics.wrappingAdd(1, ordering: .relaxed).newValue)"
        try tell("topic \(topic) \(partitions)")
        return topic
    }

    private static let topics = Atomic<Int>(0)

    /// As a power cut would.
    public func kill() {
        _ = Glibc.kill(process, SIGKILL)
        reap()
    }

    private let isReaped = Atomic<Bool>(false)

    /// Once: the number may be another process's afterwards.
    private func reap() {
        guard !isReaped.exchange(true, ordering: .relaxed) else { return }
        var status: Int32 = 0
        waitpid(process, &status, 0)
    }

    deinit {
        close(commands)
        reap()
        answers.withLock { _ = close($0.descriptor) }
    }

    /// Beside this test program.
    static func program() -> String {
        var buffer = [CChar](repeating: 0, count: 4_096)
        let length = readlink("/proc/self/exe", &buffer, buffer.count)
        let path = String(decoding: buffer.prefix(max(0, length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/") + "/test-broker"
    }

    private static func start(_ program: String, _ words: [String], input: Int32, output: Int32) throws(ParallaxError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        var arguments = ([program] + words).map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var child = pid_t()
        let code = posix_spawn(&child, program, &actions, nil, &arguments, environ)
        guard code == 0 else { throw ParallaxError(.missing, "cannot start \(program): \(String(cString: strerror(code)))") }
        return child
    }
}

/// Lines of a descriptor.
private struct LineInput {
    let descriptor: Int32
    private var waiting: [UInt8] = []

    init(descriptor: Int32) { self.descriptor = descriptor }

    /// Nil at the end.
    mutating func next() -> String? {
        while true {
            if let feed = waiting.firstIndex(of: UInt8(ascii: "\n")) {
                defer { waiting.removeSubrange(...feed) }
                return String(decoding: waiting[..<feed], as: UTF8.self)
            }
            var buffer = [UInt8](repeating: 0, count: 1_024)
            let count = read(descriptor, &buffer, buffer.count)
            if count <= 0 { return nil }
            waiting += buffer.prefix(count)
        }
    }
}
