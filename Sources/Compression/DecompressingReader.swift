import ParallaxCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Reads a file or a pipe as it is, or through gzip (any number of members) or zstd (any number of frames).
///
/// The first bytes decide which; a name that ends in `.gz` or `.zst` must keep its word. Damaged or truncated input is an
/// `.input` error with the byte position in the compressed input, never a short read.
///
/// Not promised: that a file which was cut exactly between two members or frames is noticed. Neither format can tell.
///
/// One owner. `read` blocks.
public final class DecompressingReader {
    public enum Format: String, Sendable {
        case plain
        case gzip
        case zstd
    }

    /// What error messages call the input: a path, or `standard input`.
    public let name: String
    public let format: Format
    /// Bytes of the compressed input that were taken so far: for progress.
    public private(set) var inputPosition = 0

    private let descriptor: Int32
    private let closesDescriptor: Bool
    private let codec: (any StreamCodec)?
    private var input: [UInt8]
    private var inputStart = 0
    private var inputEnd: Int
    private var inputHasEnded: Bool
    private var isInsideFrame = false
    private var framesRead = 0
    /// The codec filled the last buffer: it may have more without any more input.
    private var mayHoldOutput = false

    public static let inputBufferBytes = 256 * 1024

    /// Opens a file. Throws `.missing` where there is none and `.input` where it cannot be read or is not what its name says.
    public convenience init(path: String) throws(ParallaxError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let code: ParallaxError.Code = errno == ENOENT ? .missing : .input
            throw ParallaxError(code, "cannot open \"\(path)\"", detail: String(cString: strerror(errno)))
        }
        try self.init(descriptor: descriptor, name: path, closesDescriptor: true)
    }

    /// Reads from an open descriptor, and closes it at the end if told to (also when this throws).
    public init(descriptor: Int32, name: String, closesDescriptor: Bool = false) throws(ParallaxError) {
        self.descriptor = descriptor
        self.name = name
        self.closesDescriptor = closesDescriptor
        var first = [UInt8](repeating: 0, count: Self.inputBufferBytes)
        var filled = 0
        var hasEnded = false
        let format: Format
        do throws(ParallaxError) {
            // A pipe may bring the magic bytes one by one; whoever sends what is plain text already is not waited for.
            while filled < 4 && !hasEnded && Self.mayBecomeMagic(first[..<filled]) {
                let count = try readSome(descriptor, name: name, into: &first, from: filled)
                filled += count
                hasEnded = count == 0
            }
            format = try Self.format(of: first[..<filled], name: name)
        } catch {
            if closesDescriptor { close(descriptor) }
            throw error
        }
        self.format = format
        codec = Self.codec(format)
        input = first
        inputEnd = filled
        inputHasEnded = hasEnded
    }

    /// Reads what is in memory. Never blocks.
    public init(bytes: [UInt8], name: String) throws(ParallaxError) {
        descriptor = -1
        closesDescriptor = false
        self.name = name
        format = try Self.format(of: bytes.prefix(4), name: name)
        codec = Self.codec(format)
        input = bytes
        inputEnd = bytes.count
        inputHasEnded = true
    }

    private static func codec(_ format: Format) -> (any StreamCodec)? {
        switch format {
        case .plain: nil
        case .gzip: GzipCodec()
        case .zstd: ZstdCodec()
        }
    }

    deinit { if closesDescriptor { close(descriptor) } }

    /// Up to `buffer.count` bytes of content; 0 only at the end of the input.
    public func read(into buffer: UnsafeMutableRawBufferPointer) throws(ParallaxError) -> Int {
        guard let count = try read(into: buffer, until: nil) else { preconditionFailure("a read without a deadline ended at one") }
        return count
    }

    /// Likewise; nil where nothing came before the deadline. What is there is read also when the deadline has passed.
    public func read(
        into buffer: UnsafeMutableRawBufferPointer, until deadline: ContinuousClock.Instant?
    ) throws(ParallaxError) -> Int? {
        precondition(buffer.count > 0, "no room to read into")
        guard let codec else { return try readPlain(into: buffer, until: deadline) }
        while true {
            if inputStart == inputEnd && !inputHasEnded && !mayHoldOutput {
                guard try refill(until: deadline) else { return nil }
            }
            let isUsedUp = inputStart == inputEnd && inputHasEnded
            if !isInsideFrame {
                if isUsedUp { return 0 }
                if skipPadding() { continue }
                codec.restart()
                isInsideFrame = true
            }
            // Asked even when the input is used up: a codec may hold back output.
            let step = input.withUnsafeBytes { codec.step(UnsafeRawBufferPointer(rebasing: $0[inputStart..<inputEnd]), into: buffer) }
            guard let step else { throw damaged(codec.trouble) }
            inputStart += step.consumed
            inputPosition += step.consumed
            let mightHaveHeld = mayHoldOutput
            mayHoldOutput = step.produced == buffer.count && !step.isAtEndOfFrame
            if step.isAtEndOfFrame {
                isInsideFrame = false
                framesRead += 1
            }
            if step.produced > 0 { return step.produced }
            if step.consumed > 0 || step.isAtEndOfFrame { continue }
            if isUsedUp { throw truncated() }
            guard mightHaveHeld && inputStart == inputEnd else { throw damaged("no progress") }
        }
    }

    private func readPlain(
        into buffer: UnsafeMutableRawBufferPointer, until deadline: ContinuousClock.Instant?
    ) throws(ParallaxError) -> Int? {
        if inputStart == inputEnd && !inputHasEnded {
            guard try refill(until: deadline) else { return nil }
        }
        let count = min(buffer.count, inputEnd - inputStart)
        input.withUnsafeBytes { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[inputStart..<inputStart + count])) }
        inputStart += count
        inputPosition += count
        return count
    }

    /// False where nothing came before the deadline.
    private func refill(until deadline: ContinuousClock.Instant?) throws(ParallaxError) -> Bool {
        if let deadline, !Self.waitForInput(descriptor, until: deadline) { return false }
        inputStart = 0
        inputEnd = 0
        inputEnd = try readSome(descriptor, name: name, into: &input, from: 0)
        inputHasEnded = inputEnd == 0
        return true
    }

    /// True as soon as a read of the descriptor would not wait (also at its end), false where that has not come by the deadline.
    public static func waitForInput(_ descriptor: Int32, until deadline: ContinuousClock.Instant) -> Bool {
        while true {
            let (seconds, attoseconds) = max(.zero, deadline - .now).components
            // Rounded up: a wait of 0.4 ms must not become a loop that does not wait at all.
            let milliseconds = seconds * 1_000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
            var asked = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let count = poll(&asked, 1, Int32(clamping: milliseconds))
            // What poll cannot tell, the read will say.
            if count > 0 || (count < 0 && errno != EINTR) { return true }
            if count == 0 && ContinuousClock.now >= deadline { return false }
        }
    }

    /// gzip files may be filled up with zeros after the last member (tapes and block devices did that). True: some were skipped.
    private func skipPadding() -> Bool {
        guard format == .gzip && framesRead > 0 else { return false }
        let start = inputStart
        while inputStart < inputEnd && input[inputStart] == 0 { inputStart += 1 }
        inputPosition += inputStart - start
        return inputStart > start
    }
}

extension DecompressingReader {
    static func format(of first: ArraySlice<UInt8>, name: String) throws(ParallaxError) -> Format {
        let isGzip = first.starts(with: [0x1F, 0x8B])
        // Frames that hold no data ("skippable") may come first: 0x184D2A50 to 0x184D2A5F, little-endian.
        let isSkippable = first.count >= 4 && first[first.startIndex] & 0xF0 == 0x50 && first.dropFirst().starts(with: [0x2A, 0x4D, 0x18])
        let isZstd = first.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) || isSkippable
        for (ending, isKept, title) in [(".gz", isGzip, "gzip"), (".zst", isZstd, "zstd")] where name.hasSuffix(ending) && !isKept {
            throw ParallaxError(
                .input, "\"\(name)\" is not a \(title) file",
                detail: first.isEmpty ? "It is empty." : "At byte 0: it does not begin as \(title) files do.",
                hint: "If it is plain text, give it a name without \"\(ending)\"; otherwise it is damaged: fetch it again.")
        }
        return isGzip ? .gzip : isZstd ? .zstd : .plain
    }

    /// Whether what comes next decides what these bytes begin.
    static func mayBecomeMagic(_ first: ArraySlice<UInt8>) -> Bool {
        let magics: [[UInt8]] = [[0x1F, 0x8B], [0x28, 0xB5, 0x2F, 0xFD]] + (0x50...0x5F).map { [$0, 0x2A, 0x4D, 0x18] }
        return magics.contains { $0.count > first.count && $0.starts(with: first) }
    }

    private func damaged(_ trouble: String) -> ParallaxError {
        ParallaxError(
            .input, "\"\(name)\" is damaged: its \(format.rawValue) data cannot be decompressed",
            detail: "At or after byte \(inputPosition) of the file: \(trouble).",
            hint: "Check it with \"\(format == .gzip ? "gzip -t" : "zstd -t")\" and fetch it again.")
    }

    private func truncated() -> ParallaxError {
        ParallaxError(
            .input, "\"\(name)\" is truncated: it ends in the middle of its \(format.rawValue) data",
            detail: "At byte \(inputPosition) of the file, after \(framesRead) complete \(format == .gzip ? "members" : "frames").",
            hint: "Fetch the file again.")
    }
}

/// Bytes read, 0 at the end; a signal does not end it.
private func readSome(_ descriptor: Int32, name: String, into bytes: inout [UInt8], from start: Int) throws(ParallaxError) -> Int {
    while true {
        let count = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress.map { $0 + start }, $0.count - start) }
        if count >= 0 { return count }
        if errno == EINTR { continue }
        let isFolder = errno == EISDIR
        throw ParallaxError(
            isFolder ? .input : .disk, "cannot read \"\(name)\"", detail: String(cString: strerror(errno)),
            hint: isFolder ? "Name a file." : nil)
    }
}
