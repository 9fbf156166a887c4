import Compression
import Foundation
import ParallaxCore
import TestSupport
import Testing

@Suite struct DecompressingReaderTests {
    static let text = Array((1...8).map { "line \($0) of the file\n" }.joined().utf8)
    /// `text` as `gzip -n` wrote it.
    static let gzip = Array(
        Data(base64Encoded: "H4sIAAAAAAAAA8vJzEtVMFTIT1MoyUhVSMvMSeXKAQkZYQoZYwqZYAqZYgqZYQqZYwpZoAgBAACSo82YAAAA") ?? Data())

    /// `text` as the program `zstd` wrote it: with a checksum.
    static let zstd = Array(
        Data(base64Encoded: "KLUv/SSYdQEA0GxpbmUgMSBvZiB0aGUgZmlsZQoyMzQ1Njc4CADgEOAd8BjwBHgHPAZctHaGAYbc3Og=") ?? Data())

    /// RFC 1952 with stored blocks (RFC 1951, 3.2.4): no compressor needed.
    static func storedGzip(_ content: [UInt8]) -> [UInt8] {
        var member: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
        var rest = content[...]
        repeat {
            let block = rest.prefix(60_000)
            rest = rest.dropFirst(block.count)
            member.append(rest.isEmpty ? 1 : 0)
            for length in [UInt16(block.count), ~UInt16(block.count)] { withUnsafeBytes(of: length.littleEndian) { member += $0 } }
            member += block
        } while !rest.isEmpty
        for number in [content.withUnsafeBytes { crc32($0) }, UInt32(content.count)] {
            withUnsafeBytes(of: number.littleEndian) { member += $0 }
        }
        return member
    }

    static func content(_ bytes: [UInt8], name: String = "input", readBytes: Int = 1_000) throws -> [UInt8] {
        let folder = try TemporaryFolder()
        let path = folder.path(name)
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return try content(of: DecompressingReader(path: path), readBytes: readBytes)
    }

    static func content(of reader: DecompressingReader, readBytes: Int) throws -> [UInt8] {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: readBytes)
        while true {
            var failure: ParallaxError?
            let count = buffer.withUnsafeMutableBytes { bytes in
                do throws(ParallaxError) { return try reader.read(into: bytes) } catch {
                    failure = error
                    return 0
                }
            }
            if let failure { throw failure }
            if count == 0 { return all }
            all += buffer[..<count]
        }
    }

    static let large = (0..<700_000).map { UInt8(truncatingIfNeeded: $0 / 3 ^ $0 >> 9) }

    @Test(arguments: [1, 7, 1_000, 1 << 20]) func everyFormatIsRead(readBytes: Int) throws {
        let text = Self.text
        let skippable: [UInt8] = [0x5A, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3]
        let frame = Self.zstd
        let cases: [(String, [UInt8], [UInt8])] = [
            ("plain", text, text), ("empty", [], []), ("short", [0x1F], [0x1F]), ("gzip.gz", Self.gzip, text),
            ("members.gz", Self.gzip + Self.storedGzip([]) + Self.storedGzip(text) + Self.gzip, text + text + text),
            ("padded.gz", Self.gzip + [0, 0, 0], text), ("no-ending", Self.gzip, text), ("frame.zst", frame, text),
            ("frames.zst", frame + zstdCompress([], level: 1) + skippable + frame, text + text), ("skippable.zst", skippable + frame, text),
        ]
        for (name, bytes, expected) in cases { #expect(try Self.content(bytes, name: name, readBytes: readBytes) == expected, "\(name)") }
    }

    /// Longer than every buffer inside.
    @Test func longInputIsRead() throws {
        let large = Self.large
        #expect(try Self.content(large, readBytes: 100_003) == large)
        #expect(try Self.content(Self.storedGzip(large) + Self.storedGzip(large), readBytes: 100_003) == large + large)
        #expect(try Self.content(zstdCompress(large, level: 1) + zstdCompress(large, level: 1), readBytes: 100_003) == large + large)
    }

    /// A torn file is never taken for a short one. (Between two members or frames, nobody can tell.)
    @Test func everyTruncationIsAnErrorWithItsPlace() throws {
        for (name, one) in [("torn.gz", Self.gzip), ("torn.zst", Self.zstd), ("unchecked.zst", zstdCompress(Self.text, level: 3))] {
            for length in 1..<2 * one.count where length != one.count {
                let error = #expect(throws: ParallaxError.self, "\(name), \(length) bytes") {
                    try Self.content(Array((one + one)[..<length]), name: name)
                }
                #expect(error?.code == .input)
                #expect(error?.detail?.contains("byte \(length) ") == true || length < 4, "\(error?.detail ?? "")")
            }
        }
    }

    /// zlib checks each member: the content is right, or there is an error.
    @Test func damageIsAnErrorOrHarmless() throws {
        for index in Self.gzip.indices {
            var damaged = Self.gzip
            damaged[index] ^= 0x10
            do { #expect(try Self.content(damaged) == (index < 2 ? damaged : Self.text), "byte \(index)") } catch let error as ParallaxError
            {
                #expect(error.code == .input)
            }
        }
        let error = #expect(throws: ParallaxError.self) { try Self.content(Self.gzip + Array("garbage".utf8)) }
        #expect(error?.detail?.contains("byte \(Self.gzip.count) ") == true)
        for index in Self.zstd.indices {
            var damaged = Self.zstd
            damaged[index] ^= 0x10
            do { #expect(try Self.content(damaged) == (index < 4 ? damaged : Self.text), "byte \(index)") } catch let error as ParallaxError
            {
                #expect(error.code == .input)
            }
        }
    }

    @Test func aNameMustKeepItsWord() throws {
        for (name, bytes) in [("a.gz", Self.text), ("a.gz", []), ("a.zst", Self.gzip), ("a.gz", zstdCompress(Self.text, level: 1))] {
            let error = #expect(throws: ParallaxError.self) { try Self.content(bytes, name: name) }
            #expect(error?.code == .input)
            #expect(error?.message.contains(name) == true)
        }
    }

    @Test func whatIsNotThereOrIsAFolderIsNamed() throws {
        let folder = try TemporaryFolder()
        #expect(throws: ParallaxError.self) { try DecompressingReader(path: folder.path("nothing")) }
        let missing = #expect(throws: ParallaxError.self) { try DecompressingReader(path: folder.path("nothing")) }
        #expect(missing?.code == .missing)
        let error = #expect(throws: ParallaxError.self) { try DecompressingReader(path: folder.path) }
        #expect(error?.code == .input)
    }

    /// Standard input may be a pipe that brings one byte at a time.
    @Test func aPipeIsReadToItsEnd() throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        let writer = ends[1]
        let bytes = Self.gzip
        let thread = Thread {
            for byte in bytes { _ = withUnsafeBytes(of: byte) { write(writer, $0.baseAddress, 1) } }
            close(writer)
        }
        thread.start()
        let reader = try DecompressingReader(descriptor: ends[0], name: "standard input", closesDescriptor: true)
        #expect(reader.format == .gzip)
        #expect(try Self.content(of: reader, readBytes: 10) == Self.text)
        #expect(reader.inputPosition == bytes.count)
    }

    /// What the codec has taken in already is handed out without waiting for more, and a pipe that is silent is left at the deadline.
    @Test func aSilentPipeGivesAllThatItBroughtAndThenNothing() throws {
        for (bytes, trailer) in [(Self.text, 0), (Self.gzip, 8), (Self.zstd, 4)] {
            var ends: [Int32] = [0, 0]
            #expect(pipe(&ends) == 0)
            _ = bytes.dropLast(trailer).withUnsafeBytes { write(ends[1], $0.baseAddress, $0.count) }
            let reader = try DecompressingReader(descriptor: ends[0], name: "standard input", closesDescriptor: true)
            var all: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 7)
            func next() throws -> Int? { try buffer.withUnsafeMutableBytes { try reader.read(into: $0, until: .now) } }
            while let count = try next() { all += buffer[..<count] }
            #expect(all == Self.text)
            _ = bytes.suffix(trailer).withUnsafeBytes { write(ends[1], $0.baseAddress, $0.count) }
            close(ends[1])
            #expect(try next() == 0)
        }
    }

    /// One byte decides that this is no compressed file; a pipe may bring no other for an hour.
    @Test func plainTextIsNotWaitedForUntilItIsFourBytesLong() throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        #expect(write(ends[1], "7", 1) == 1)
        let reader = try DecompressingReader(descriptor: ends[0], name: "standard input", closesDescriptor: true)
        #expect(reader.format == .plain)
        close(ends[1])
        #expect(try Self.content(of: reader, readBytes: 10) == Array("7".utf8))
    }
}
