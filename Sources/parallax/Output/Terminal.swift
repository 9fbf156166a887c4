import Foundation
import ParallaxCore

/// The process's two outputs. Results go to standard output; progress, notes and errors go to standard error, so that a pipe carries nothing
/// but results.
enum Terminal {
    static var outputIsTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
    static var errorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }
    static var inputIsTerminal: Bool { isatty(STDIN_FILENO) == 1 }

    /// Colours are for people who look: a terminal, not a dumb one, and nobody said NO_COLOR (https://no-color.org).
    static func usesColour(_ descriptor: Int32 = STDERR_FILENO) -> Bool {
        let environment = ProcessInfo.processInfo.environment
        return isatty(descriptor) == 1 && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }

    static func print(_ line: String) { write(line + "\n", to: STDOUT_FILENO) }
    static func note(_ line: String) { write(line + "\n", to: STDERR_FILENO) }

    static func report(_ error: ParallaxError) {
        let red = usesColour() ? "\u{1B}[1;31merror:\u{1B}[0m" : "error:"
        note("\(red) \(error.completed.description)")
    }

    /// What goes on all the same.
    static func warn(_ error: ParallaxError) { note("warning: \(error.completed.description)") }

    static func write(_ text: String, to descriptor: Int32) { write(Array(text.utf8), to: descriptor) }

    /// All of it. A reader that went away (`| head`) ends the process quietly, as SIGPIPE would.
    static func write(_ bytes: [UInt8], to descriptor: Int32) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress.map { $0 + written }, $0.count - written) }
            if count >= 0 {
                written += count
            } else if errno == EPIPE {
                _exit(0)
            } else if errno == EAGAIN {
                var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = Glibc.poll(&poll, 1, 1_000)
            } else if errno != EINTR {
                // Nowhere left to say it.
                _exit(ExitStatus.of(.disk))
            }
        }
    }

    /// Asks on the terminal; no without one.
    static func confirm(_ question: String) -> Bool {
        guard inputIsTerminal && errorIsTerminal else { return false }
        write("\(question) [y/N] ", to: STDERR_FILENO)
        return ["y", "yes"].contains((readLine() ?? "").lowercased())
    }

    /// Columns of the terminal; 80 where there is none.
    static var width: Int {
        var size = winsize()
        return ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    }
}
