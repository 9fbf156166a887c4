import ArgumentParser
import Foundation
import ParallaxCore

struct DownCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down", abstract: "Stop what parallax up started, and the private PostgreSQL.",
        discussion: discussion(
            "Waits until everything is written. --force also disconnects others from the private PostgreSQL.",
            example: "parallax down --pipeline demo"))

    @OptionGroup var options: PipelineOptions
    @Flag(help: "Stop the private PostgreSQL although others use it.") var force = false

    /// What one flush, one row group and a batch transaction may take, many times over.
    static let patience = Duration.seconds(120)

    func run() throws {
        let pipeline = try options.pipeline()
        var did: [String] = []
        if let holder = UpLock.holder(pipeline.upLock) {
            guard kill(holder.process, SIGTERM) == 0 || errno == ESRCH else {
                throw ParallaxError(
                    .busy, "process \(holder.process), which runs the pipeline, cannot be stopped",
                    detail: String(cString: strerror(errno)),
                    hint: "run parallax down as the user who started it")
            }
            guard UpLock.waitUntilFree(pipeline.upLock, within: Self.patience) else {
                throw ParallaxError(
                    .busy, "process \(holder.process) has not ended within \(Self.patience.words)",
                    hint: "kill -9 \(holder.process) loses nothing; then parallax down again")
            }
            did.append("stopped process \(holder.process)")
        }
        if !pipeline.configuration.isSet(.postgresURL) {
            let server = pipeline.privatePostgres()
            let wasRunning = server.isRunning
            try server.stop(force: force)
            if wasRunning { did.append("stopped the private PostgreSQL") } else if !did.isEmpty { did.append("its PostgreSQL is stopped") }
        }
        Terminal.print(did.isEmpty ? "nothing was running" : did.joined(separator: "; "))
    }
}
