import ArgumentParser
import DemoTraffic
import Foundation
import ParallaxCore

struct GenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Append seeded random events to a source's log, or print them.",
        discussion: discussion(
            """
            For the example's page_view: views of a shop. For any other source: random values of its declared types. Some events come out of \
            order, late, twice or malformed. The same seed, shares, rate and --start-time give the same bytes.

            With --count and without --rate the records come as fast as they can be made, and --start-time is by default so long ago that the \
            last event is about now. Otherwise \(defaultRate) a second, in real time, until --count or Ctrl-C.
            """,
            example: "parallax generate page_view --count 1000000 --seed 7 --pipeline demo",
            "parallax generate page_view --count 1000 --start-time 2024-01-01T00:00:00Z --output events.ndjson"))

    static let defaultRate = 200

    @OptionGroup var options: PipelineOptions
    @Argument(help: "The source, as the definitions name it.", completion: .sourceNames) var source: String
    @Option(help: ArgumentHelp("Events a second.", valueName: "n")) var rate: Int?
    @Option(help: ArgumentHelp("Records in all, duplicates and malformed ones too.", valueName: "n")) var count: Int?
    @Option(help: ArgumentHelp("The seed.", valueName: "n")) var seed: UInt64 = 1
    @Option(help: ArgumentHelp("Event time of the first event, such as 2024-01-01T00:00:00Z.", valueName: "instant")) var startTime: String?
    @Option(help: ArgumentHelp("Print the payloads to a file (- is standard output) instead of appending.", valueName: "file")) var output:
        String?
    @Option(help: ArgumentHelp("Percentage up to 4 s out of order.", valueName: "percent")) var outOfOrder: Double = 5
    @Option(help: ArgumentHelp("Percentage 5 s to 10 min behind.", valueName: "percent")) var delayed: Double = 1
    @Option(help: ArgumentHelp("Percentage 61 min to 3 h behind: left to the batch layer.", valueName: "percent")) var late: Double = 0.2
    @Option(help: ArgumentHelp("Percentage that repeats one of the last 1,000.", valueName: "percent")) var duplicates: Double = 1
    @Option(help: ArgumentHelp("Percentage that is no event.", valueName: "percent")) var malformed: Double = 0.2

    func validate() throws {
        if let rate, !(1...10_000_000).contains(rate) { throw ValidationError("--rate must be from 1 to 10000000.") }
        if let count, count < 0 { throw ValidationError("--count must not be negative.") }
        if output != nil && count == nil { throw ValidationError("--output needs --count.") }
        if let startTime, Self.instant(startTime) == nil {
            throw ValidationError("--start-time must look like 2024-01-01T00:00:00Z, not \"\(startTime)\".")
        }
        let shares = [outOfOrder, delayed, late]
        guard (shares + [duplicates, malformed]).allSatisfy({ TrafficShape.perMillion(percent: $0) != nil }), shares.reduce(0, +) <= 100
        else {
            throw ValidationError("Shares are percentages from 0 to 100; out of order, delayed and late together at most 100.")
        }
    }

    func run() throws {
        let pipeline = try options.pipeline()
        let definition = try pipeline.definitions().source(named: source)
        let isPaced = output == nil && (rate != nil || count == nil)
        let eventRate = rate ?? Self.defaultRate
        let now = systemClock().rawValue
        let span = isPaced ? 0 : Int64(Double(count ?? 0) / Double(eventRate) * 1e6)
        let start = startTime.flatMap(Self.instant) ?? (now - span)
        var generator = TrafficGenerator(
            maker: EventMaker(definition), seed: seed, shape: shape, startMicroseconds: start, rate: eventRate)
        let total = count ?? Int.max

        if let output { return try print(&generator, total, to: output) }
        let log = try pipeline.openLog(definition)
        if let why = pipeline.whyNotRead(log, definition) { Terminal.warn(pipeline.standsStill(source, why)) }
        if isPaced && Terminal.errorIsTerminal { Terminal.note("generating \(counted(eventRate, "record")) a second; Ctrl-C ends it") }
        var progress = Progress("generate \(source)", total: count)
        while generator.count < total && !Interrupt.isRequested {
            var due = total
            if isPaced {
                // The event times run on from --start-time while the wall clock runs on from now.
                due = min(total, Int(Double(systemClock().rawValue - now) / 1e6 * Double(eventRate)))
                if due <= generator.count {
                    usleep(20_000)
                    continue
                }
            }
            try log.append(generator.records(upTo: min(due, generator.count + TrafficGenerator.recordsPerAppend)), to: nil)
            progress.update(generator.count, counted(generator.count, "record"))
        }
        progress.finish()
        Terminal.print("\(source): \(IngestCommand.inTheLog(generator.count)) (seed \(seed))")
    }

    private var shape: TrafficShape {
        func share(_ percent: Double) -> Int { TrafficShape.perMillion(percent: percent) ?? 0 }
        return TrafficShape(
            outOfOrder: share(outOfOrder), delayed: share(delayed), late: share(late), duplicate: share(duplicates),
            malformed: share(malformed))
    }

    private func print(_ generator: inout TrafficGenerator, _ total: Int, to output: String) throws {
        var descriptor = STDOUT_FILENO
        if output != "-" {
            descriptor = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
            guard descriptor >= 0 else {
                throw ParallaxError(.disk, "cannot write \"\(output)\"", detail: String(cString: strerror(errno)))
            }
        }
        defer { if output != "-" { close(descriptor) } }
        var progress = Progress("generate \(source)", total: total)
        var buffer: [UInt8] = []
        while generator.count < total && !Interrupt.isRequested {
            buffer.append(contentsOf: generator.next().payload)
            buffer.append(UInt8(ascii: "\n"))
            if buffer.count >= 1 << 20 {
                Terminal.write(buffer, to: descriptor)
                buffer.removeAll(keepingCapacity: true)
                progress.update(generator.count, counted(generator.count, "record"))
            }
        }
        progress.finish()
        Terminal.write(buffer, to: descriptor)
    }

    /// `2024-01-01T00:00:00Z`, a space instead of the T, without the Z, or only the date; UTC. Microseconds since 1970.
    static func instant(_ text: String) -> Int64? {
        let pattern = /(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?Z?)?/
        guard let match = text.wholeMatch(of: pattern), let year = Int64(match.1), let month = Int64(match.2), let day = Int64(match.3),
            (1...12).contains(month), (1...CivilDate.daysInMonth(month, of: year)).contains(day)
        else { return nil }
        let hours = match.4.flatMap { Int64($0) } ?? 0
        let minutes = match.5.flatMap { Int64($0) } ?? 0
        let seconds = match.6.flatMap { Int64($0) } ?? 0
        guard hours < 24, minutes < 60, seconds < 60 else { return nil }
        let digits = match.7.map { String($0) } ?? ""
        let fraction = Int64(digits + String(repeating: "0", count: 6 - digits.count)) ?? 0
        let date = CivilDate(year: year, month: month, day: day)
        return (date.daysSince1970 * 86_400 + hours * 3_600 + minutes * 60 + seconds) * 1_000_000 + fraction
    }
}
