import Foundation

/// How far a long command is, on standard error: one line that is drawn again and again on a terminal, a plain line now and then otherwise.
struct Progress {
    let title: String
    /// How much there is to do, in the unit that `update` counts; nil where nobody knows.
    let total: Int?
    private let isTerminal: Bool
    private let clock = ContinuousClock()
    private var lastDrawn: ContinuousClock.Instant
    private var hasDrawn = false

    init(_ title: String, total: Int?, isTerminal: Bool = Terminal.errorIsTerminal) {
        self.title = title
        self.total = total
        self.isTerminal = isTerminal
        lastDrawn = clock.now
    }

    /// Ten times a second on a terminal; every ten seconds in a file, where each stays.
    mutating func update(_ done: Int, _ words: @autoclosure () -> String) {
        let now = clock.now
        guard now - lastDrawn >= (isTerminal ? .milliseconds(100) : .seconds(10)) else { return }
        lastDrawn = now
        hasDrawn = true
        let line = Self.line(title: title, done: done, total: total, words: words(), width: Terminal.width, bar: isTerminal)
        Terminal.write(isTerminal ? "\r\u{1B}[2K\(line)" : "\(line)\n", to: STDERR_FILENO)
    }

    /// Takes the line away, so that the result stands alone.
    mutating func finish() {
        if hasDrawn && isTerminal { Terminal.write("\r\u{1B}[2K", to: STDERR_FILENO) }
        hasDrawn = false
    }

    static func line(title: String, done: Int, total: Int?, words: String, width: Int, bar: Bool) -> String {
        guard let total, total > 0 else { return String("\(title)  \(words)".prefix(width)) }
        let share = min(1, Double(done) / Double(total))
        let percent = "\(Int(share * 100))%"
        guard bar else { return "\(title)  \(percent)  \(words)" }
        let room = max(10, min(30, width - title.count - words.count - 12))
        let filled = Int(share * Double(room))
        let drawn = String(repeating: "#", count: filled) + String(repeating: ".", count: room - filled)
        return String("\(title)  [\(drawn)] \(percent)  \(words)".prefix(width))
    }
}

/// The steps of one command, one after the other; each has a line of its own. For one thread.
final class StepProgress {
    private var progress: Progress?

    /// - Parameter total: of `done`'s unit; nil where nobody knows.
    func update(_ step: String, _ done: Int, total: Int? = nil, _ words: @autoclosure () -> String) {
        if progress?.title != step {
            progress?.finish()
            progress = Progress(step, total: total)
        }
        progress?.update(done, words())
    }

    func finish() { progress?.finish() }

    deinit { finish() }
}
