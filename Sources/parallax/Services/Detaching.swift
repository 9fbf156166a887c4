import Disk
import Foundation
import ParallaxCore
import PrivatePostgres

/// Starts `parallax up` in a session of its own and waits until it says that everything runs.
struct Detaching {
    let pipeline: Pipeline
    let arguments: [String]

    /// A start that takes longer has failed; what it said is in its log.
    static let patience = Duration.seconds(120)
    /// A log that has grown beyond this is put aside at the next start; one is kept.
    static let logBytes = 16 << 20

    init(_ pipeline: Pipeline, arguments: [String]) {
        self.pipeline = pipeline
        self.arguments = arguments
    }

    /// - Parameter lookAt: is asked once everything runs.
    func run(lookAt: () -> LookAt) throws {
        let log = pipeline.upLog
        var size = Disk.size(ofFile: log) ?? 0
        if size > Self.logBytes {
            try Disk.rename(log, to: log + ".1")
            size = 0
        }
        let executable = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        var program = ChildProgram(executable, arguments, environment: ProcessInfo.processInfo.environment)
        program.outputFile = log
        let child = try program.start()
        let latest = ContinuousClock.now + Self.patience
        while true {
            if let holder = UpLock.holder(pipeline.upLock), holder.process == child, holder.isReady { break }
            var status: Int32 = 0
            if waitpid(child, &status, WNOHANG) == child {
                Terminal.write(words(of: log, from: size), to: STDERR_FILENO)
                throw ExitCodeOfChild(status: status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)).error
            }
            if Interrupt.isRequested || ContinuousClock.now > latest {
                kill(child, SIGTERM)
                ChildProgram.waitForExit(child)
                Terminal.write(words(of: log, from: size), to: STDERR_FILENO)
                throw ParallaxError(Interrupt.isRequested ? .cancelled : .unavailable, "the pipeline did not come up", hint: "see \(log)")
            }
            usleep(50_000)
        }
        Terminal.print("up, in process \(child); its log is \(pipeline.shownFolder)/\(Pipeline.stateFolderName)/up.log")
        Terminal.print(lookAt().text)
    }

    private func words(of log: String, from start: Int) -> String {
        String(decoding: (Disk.tail(log, bytes: max(0, min(8_192, (Disk.size(ofFile: log) ?? 0) - start))) ?? []), as: UTF8.self)
    }
}

/// The child has said what went wrong; only its number is left to pass on.
private struct ExitCodeOfChild {
    var status: Int32
    var error: any Error { status == 0 ? ParallaxError(.unavailable, "the pipeline ended before it was up") : ChildFailed(status: status) }
}

/// Ends our process with the child's exit status, without another word.
struct ChildFailed: Error {
    var status: Int32
}
