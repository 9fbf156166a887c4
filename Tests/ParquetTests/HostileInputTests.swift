import Foundation
import ParallaxCore
import TestSupport
import Testing

@testable import Parquet

/// A file is never trusted: whatever its bytes, reading it ends in values or in an error.
@Suite struct HostileInputTests {
    /// Small groups of every type: no byte of the file is far from a length.
    private static func good(isCompressed: Bool) throws -> [UInt8] {
        var random = SeededGenerator(seed: 1)
        var options = ParquetOptions()
        options.isCompressed = isCompressed
        options.rowsPerPage = 40
        return try Sample.file((0..<2).map { Sample.columns(rows: 100, nulls: .some, firstID: $0 * 100, &random) }, options: options)
    }

    private enum Outcome { case read, refused }

    /// Reads everything. Any error but ours, or a crash, fails the test.
    private func outcome(_ bytes: [UInt8], _ path: String) throws -> Outcome {
        // A new file each time: shortening one that was just written waits for the disk.
        unlink(path)
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        var limits = ParquetFile.Limits()
        // A test of thousands of files; hostile ones may otherwise claim up to the real limits.
        limits.rowsPerGroup = 1 << 16
        limits.pageBytes = 1 << 24
        limits.bytesPerColumn = 1 << 24
        do throws(ParallaxError) {
            let file = try ParquetFile(path: path, limits: limits)
            var isRefused = false
            for group in 0..<min(file.rowGroupCount, 4) {
                for column in file.schema.indices {
                    do throws(ParallaxError) {
                        let read = try file.read(group: group, column: column)
                        #expect(read.count == file.rowCount(ofGroup: group))
                        _ = file.statistics(group: group, column: column)
                    } catch { isRefused = check(error) }
                }
            }
            return isRefused ? .refused : .read
        } catch {
            _ = check(error)
            return .refused
        }
    }

    private func check(_ error: ParallaxError) -> Bool {
        #expect([.corrupt, .limit, .input].contains(error.code), "\(error)")
        if error.code == .corrupt { #expect(error.detail?.contains("At byte ") == true, "\(error)") }
        return true
    }

    @Test(arguments: [true, false], [21, 22] as [UInt64]) func flippedBytesNeverCrash(isCompressed: Bool, seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let good = try Self.good(isCompressed: isCompressed)
        let folder = try TemporaryFolder()
        var refused = 0
        for _ in 0..<200 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if try outcome(bytes, folder.path("flipped")) == .refused { refused += 1 }
        }
        // Pages have CRCs; a flip that nobody can see is one in a name, a statistic or an unused field.
        #expect(refused > 125, "\(refused) of 200, seed \(seed)")
    }

    /// The footer and the page headers have no CRC: most flips are aimed there.
    @Test(arguments: [31, 32, 33, 34] as [UInt64]) func flippedMetadataNeverCrashes(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let good = try Self.good(isCompressed: false)
        let folder = try TemporaryFolder()
        let footer = good[(good.count - 8)..<(good.count - 4)].reversed().reduce(0) { $0 << 8 | Int($1) }
        for _ in 0..<200 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: good.count - 8 - footer..<good.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = try outcome(bytes, folder.path("flipped"))
        }
    }

    /// Without its CRC, a damaged page must be survived by the decoders alone.
    @Test(arguments: [41, 42, 43, 44] as [UInt64]) func damagedPagesNeverCrashTheDecoders(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var columns = Sample.columns(rows: 100, nulls: .some, &random)
        columns[5] = columns[4]
        for (field, column) in zip(Sample.fields, columns) {
            var encoder = ChunkEncoder(ParquetOptions())
            var bytes: [UInt8] = []
            let chunk = encoder.encode(column, field: field, position: 4, to: &bytes)
            let leaf = FileMetadata.Leaf(field: field, physical: field.type.physical, length: field.type.fixedLength)
            for _ in 0..<100 {
                var damaged = bytes
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    damaged[Int.random(in: 0..<damaged.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
                var limits = ParquetFile.Limits()
                limits.pageBytes = 1 << 24
                var decoder = ChunkDecoder(leaf: leaf, chunk: chunk, rowCount: 100, limits: limits, bytes: damaged, verifiesCRC: false)
                do throws(FormatError) {
                    let read = try decoder.decode()
                    #expect(read.count == 100)
                } catch { #expect(error.position <= 4 + damaged.count) }
            }
        }
    }

    @Test func everyTruncationIsNoticed() throws {
        let good = try Self.good(isCompressed: true)
        let folder = try TemporaryFolder()
        for length in stride(from: 0, to: good.count, by: 29) {
            #expect(try outcome(Array(good[..<length]), folder.path("cut")) == .refused, "\(length) bytes")
        }
        #expect(try outcome(good, folder.path("whole")) == .read)
    }

    /// A dictionary's one value, named by a run of codes as often as there are rows, would take gigabytes.
    @Test func aDictionaryBombIsALimit() throws {
        let leaf = FileMetadata.Leaf(field: ParquetField("s", .bytes, isOptional: false), physical: .byteArray)
        var dictionary: [UInt8] = []
        dictionary.appendLittleEndian(UInt32(1 << 20))
        dictionary += [UInt8](repeating: 0, count: 1 << 20)
        var codes: [UInt8] = [1]
        RunLengthHybrid.run(0, count: 1 << 20, width: 1, to: &codes)
        var bytes: [UInt8] = []
        for (type, encoding, count, body) in [
            (PageType.dictionary, Encoding.plain, 1, dictionary), (.data, .rleDictionary, 1 << 20, codes),
        ] {
            var header = PageHeader()
            header.type = type.rawValue
            header.uncompressedBytes = body.count
            header.compressedBytes = body.count
            header.valueCount = count
            header.encoding = encoding.rawValue
            bytes += header.encoded() + body
        }
        var chunk = FileMetadata.Chunk()
        chunk.codec = Codec.uncompressed.rawValue
        var decoder = ChunkDecoder(leaf: leaf, chunk: chunk, rowCount: 1 << 20, limits: ParquetFile.Limits(), bytes: bytes)
        do throws(FormatError) {
            _ = try decoder.decode()
            Issue.record("a terabyte was decoded")
        } catch { #expect(error.kind == .limit) }
    }

    @Test func metadataNestedWithoutEndIsRefused() {
        // Field 1, a struct, in which field 1 is a struct…
        let bytes = [UInt8](repeating: 0x1C, count: 100_000)
        var thrift = ThriftReader(bytes, in: 0..<bytes.count, origin: 0)
        #expect(throws: FormatError.self) { try thrift.structure { (_, _, _) throws(FormatError) in false } }
        // A list of lists of lists…
        let lists = [0x19] + [UInt8](repeating: 0x19, count: 100_000)
        var other = ThriftReader(lists, in: 0..<lists.count, origin: 0)
        #expect(throws: FormatError.self) { try other.structure { (_, _, _) throws(FormatError) in false } }
    }
}
