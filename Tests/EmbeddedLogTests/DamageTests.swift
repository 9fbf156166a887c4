import Foundation
import ParallaxCore
import Testing
import TestSupport

@testable import EmbeddedLog

/// Bytes that are not what was written: what is good is read, what is not is named to the offset, and passed over once it is given up.
@Suite struct DamageTests {
    let fixture: LogFixture

    init() throws { fixture = try LogFixture { $0.bytesPerSegment = 4 << 10 } }

    /// Ten frames of five records each, over several segments. Returns each frame's first offset, file and place.
    private func fill() throws -> [(base: Int64, file: String, position: Int)] {
        let log = try fixture.open()
        for start in stride(from: 0, to: 50, by: 5) { try log.append(records(start..<start + 5, bytes: 150), to: LogFixture.lane) }
        var frames: [(Int64, String, Int)] = []
        for name in try fixture.segments() {
            let bytes = try fixture.bytes(of: fixture.path(name))
            var position = 0
            while position < bytes.count {
                let frame = try bytes.withUnsafeBytes { raw in
                    try Frame(
                        header: UnsafeRawBufferPointer(rebasing: raw[position..<position + Frame.headerBytes]), expectedBase: nil,
                        available: raw.count - position)
                }
                frames.append((frame.base, fixture.path(name), position))
                position += frame.length
            }
        }
        #expect(frames.map(\.0) == Array(stride(from: 0, to: 50, by: 5)))
        return frames
    }

    private func flip(_ file: String, at position: Int, bit: UInt8 = 1) throws {
        var bytes = try fixture.bytes(of: file)
        bytes[position] ^= bit
        try fixture.write(bytes, to: file)
    }

    /// Offsets that come, in reads of any size, until one fails; and the error.
    private func readable(_ log: any EventLog, from: Int64 = 0, maxRecords: Int = 1_000) throws -> (offsets: [Int64], error: ParallaxError?)
    {
        var next = Offset(from)
        var found: [Int64] = []
        while true {
            do {
                let batch = try log.read(LogFixture.lane, from: next, maxRecords: maxRecords, maxBytes: 1 << 20)
                if batch.nextOffset == next { return (found, nil) }
                found += batch.offsets
                next = batch.nextOffset
            } catch { return (found, error) }
        }
    }

    /// Each byte of a frame in turn, header and payload: what is before comes, the error names the five offsets, and what is behind can be read from there.
    @Test func I6_damageHidesNothingButItself() throws {
        let frames = try fill()
        let (base, file, position) = (frames[4].base, frames[4].file, frames[4].position)
        let whole = try fixture.bytes(of: file)
        for byte in Array(0..<Frame.headerBytes) + [60, 100, 400] {
            try flip(file, at: position + byte, bit: 0x41)
            let log = try fixture.openForReading()
            let (before, error) = try readable(log, maxRecords: byte % 2 == 0 ? 3 : 1_000)
            #expect(before == Array(0..<base), "byte \(byte)")
            #expect(
                error?.code == .corrupt && error?.message.contains("offsets \(base) up to, not including, \(base + 5)") == true,
                "byte \(byte): \(String(describing: error))")
            for start in base..<base + 5 {
                #expect(
                    refusal { try log.read(LogFixture.lane, from: Offset(start), maxRecords: 9, maxBytes: 99) }?.code == .corrupt,
                    "byte \(byte), offset \(start)")
            }
            for start in [base + 5, base + 7, 49] {
                #expect(try readable(try fixture.openForReading(), from: start).offsets == Array(start..<50), "byte \(byte), from \(start)")
            }
            let damages = try log.damages(of: LogFixture.lane, from: .zero)
            #expect(damages.map(\.offsets) == [Offset(base)..<Offset(base + 5)], "byte \(byte): \(damages)")
            try fixture.write(whole, to: file)
        }
        #expect(try readable(try fixture.openForReading()).offsets == Array(0..<50))
    }

    /// Reads pass over exactly what was given up; its bytes are kept; and a file that comes back is read again.
    @Test func whatIsGivenUpIsPassedOverUntilItComesBack() throws {
        let frames = try fill()
        let whole = try fixture.bytes(of: frames[4].file)
        try flip(frames[4].file, at: frames[4].position + 70)
        let log = try fixture.openForReading()
        let damage = try #require(try log.damages(of: LogFixture.lane, from: .zero).first)
        try log.giveUp(damage)
        #expect(try log.damages(of: LogFixture.lane, from: .zero).isEmpty)
        let left = Array(0..<20) + Array(25..<50).map { Int64($0) }
        #expect(try readable(log).offsets == left.map { Int64($0) })
        #expect(try readable(try fixture.openForReading()).offsets == left.map { Int64($0) })
        let bytes = try #require(damage.bytes)
        var damaged = whole
        damaged[frames[4].position + 70] ^= 1
        #expect(try fixture.bytes(of: fixture.path("damaged-20-25")) == Array(damaged[bytes]))
        // Writers go on.
        try fixture.open().append(records(50..<52), to: LogFixture.lane)
        #expect(try readable(log, from: 45).offsets == Array(45..<52))
        try fixture.write(whole, to: frames[4].file)
        #expect(try readable(try fixture.openForReading()).offsets == Array(0..<52))
    }

    @Test func aMissingFileInTheMiddleIsAStretch() throws {
        let frames = try fill()
        let files = try fixture.segments().map { fixture.path($0) }
        try #require(files.count >= 3)
        let first = try #require(frames.first { $0.file == files[1] }).base
        let next = try #require(frames.first { $0.file == files[2] }).base
        try FileManager.default.removeItem(atPath: files[1])
        let log = try fixture.openForReading()
        let (before, error) = try readable(log)
        #expect(
            before == Array(0..<first) && error?.message.contains("offsets \(first) up to, not including, \(next)") == true,
            "\(String(describing: error))")
        let damage = try #require(try log.damages(of: LogFixture.lane, from: .zero).first)
        #expect(damage.offsets == Offset(first)..<Offset(next) && damage.bytes == nil)
        try log.giveUp(damage)
        #expect(try readable(log).offsets == Array(0..<first) + Array(next..<50))
    }

    /// The last file lost its end, below what was published; or is gone. Writers refuse, until the stretch is given up: then a new file begins behind it.
    @Test(arguments: [false, true]) func aFileThatLostItsEndIsAStretch(isGone: Bool) throws {
        let frames = try fill()
        let file = try #require(frames.last).file
        let inFile = frames.filter { $0.file == file }
        let first: Int64
        if isGone {
            try FileManager.default.removeItem(atPath: file)
            first = inFile[0].base
        } else {
            try fixture.write(Array(try fixture.bytes(of: file).prefix(inFile[0].position + 100)), to: file)
            first = inFile[0].base
        }
        #expect(refusal { try fixture.open().append(records(50..<51), to: LogFixture.lane) }?.code == .corrupt)
        let log = try fixture.openForReading()
        #expect(try readable(log).offsets == Array(0..<first))
        let damages = try log.damages(of: LogFixture.lane, from: .zero)
        #expect(damages.map(\.offsets) == [Offset(first)..<Offset(50)], "\(damages)")
        for damage in damages { try log.giveUp(damage) }
        try fixture.open().append(records(50..<53), to: LogFixture.lane)
        try fixture.open().append(records(53..<55), to: LogFixture.lane)
        #expect(try readable(try fixture.openForReading()).offsets == Array(0..<first) + Array(50..<55))
    }

    /// Both slots of the end: it is found again, over what was given up.
    @Test func theEndIsFoundAgainOverWhatWasGivenUp() throws {
        let frames = try fill()
        try flip(frames[2].file, at: frames[2].position + 70)
        let log = try fixture.openForReading()
        for damage in try log.damages(of: LogFixture.lane, from: .zero) { try log.giveUp(damage) }
        try fixture.write([UInt8](repeating: 7, count: 128), to: fixture.path("end"))
        try fixture.open().append(records(50..<51), to: LogFixture.lane)
        #expect(try readable(try fixture.openForReading()).offsets == Array(0..<10) + Array(15..<51))
    }

    /// A copy of the folder, or a backup of the log, that was made before a writer opened the log again: the offsets stay given up.
    @Test(arguments: [false, true], [false, true]) func whatWasGivenUpStaysSoInACopy(isGone: Bool, isBackup: Bool) throws {
        let frames = try fill()
        let file = try #require(frames.last).file
        let inFile = frames.filter { $0.file == file }
        if isGone {
            try FileManager.default.removeItem(atPath: file)
        } else {
            try fixture.write(Array(try fixture.bytes(of: file).prefix(inFile[0].position + 100)), to: file)
        }
        let log = try fixture.openForReading()
        for damage in try log.damages(of: LogFixture.lane, from: .zero) { try log.giveUp(damage) }
        let copy = try LogFixture { $0.bytesPerSegment = 4 << 10 }
        if isBackup {
            _ = try LogCopy(of: fixture.folder.path, source: "s", to: copy.folder.path("s"), previous: nil) { _ in }
        } else {
            try FileManager.default.copyItem(atPath: fixture.folder.path("s"), toPath: copy.folder.path("s"))
        }
        let left = Array(0..<inFile[0].base)
        #expect(try readable(try copy.openForReading()).offsets == left)
        try copy.open().append(records(50..<53), to: LogFixture.lane)
        try copy.open().append(records(53..<55), to: LogFixture.lane)
        #expect(try readable(try copy.openForReading()).offsets == left + Array(50..<55))
    }

    /// Both slots of the end, and more: readers say what to do, the next writer finds the end again, and what is damaged is named as it was before.
    @Test func aLostEndIsFoundAgainOverDamage() throws {
        let frames = try fill()
        let files = try fixture.segments().map { fixture.path($0) }
        try #require(files.count >= 3)
        // Written together: the first says nothing of the second.
        try fixture.open().append(records(50..<70, bytes: 150), to: LogFixture.lane)
        let end = try fixture.bytes(of: fixture.path("end"))
        let whole = try Dictionary(uniqueKeysWithValues: fixture.segments().map { ($0, try fixture.bytes(of: fixture.path($0))) })
        let inMiddle = try #require(frames.first { $0.file == files[1] })
        let cases: [(String, () throws -> Void, lost: Range<Int64>)] = [
            ("in the first", { try flip(frames[1].file, at: frames[1].position + 70) }, 5..<10),
            (
                "the end of one in the middle",
                { try fixture.write(Array(whole[(files[1] as NSString).lastPathComponent]?.prefix(100) ?? []), to: files[1]) },
                inMiddle.base..<(try #require(frames.first { $0.file == files[2] }).base)
            ),
            (
                "one in the middle", { try FileManager.default.removeItem(atPath: files[1]) },
                inMiddle.base..<(try #require(frames.first { $0.file == files[2] }).base)
            ),
            ("before the last", { try flip(frames[9].file, at: frames[9].position + 70) }, 45..<50),
        ]
        for (name, damage, lost) in cases {
            for (segment, bytes) in whole { try fixture.write(bytes, to: fixture.path(segment)) }
            for other in try fixture.segments() where whole[other] == nil {
                try FileManager.default.removeItem(atPath: fixture.path(other))
            }
            try fixture.write(end, to: fixture.path("end"))
            try? FileManager.default.removeItem(atPath: fixture.path("given-up"))
            try damage()
            try fixture.write([UInt8](repeating: 7, count: 128), to: fixture.path("end"))
            let error = refusal { try fixture.openForReading().bounds(of: LogFixture.lane) }
            #expect(error?.code == .corrupt && error?.isRetriable == true, "\(name)")
            #expect(error?.hint?.contains("found again from the segments") == true, "\(name): \(String(describing: error))")
            _ = try fixture.open()
            let log = try fixture.openForReading()
            #expect(try log.bounds(of: LogFixture.lane) == Offset(0)..<Offset(70), "\(name)")
            let damages = try log.damages(of: LogFixture.lane, from: .zero)
            #expect(damages.map(\.offsets) == [Offset(lost.lowerBound)..<Offset(lost.upperBound)], "\(name)")
            #expect(try readable(log).offsets == Array(0..<lost.lowerBound), "\(name)")
            for damage in damages { try log.giveUp(damage) }
            try fixture.open().append(records(70..<72), to: LogFixture.lane)
            #expect(try readable(try fixture.openForReading()).offsets == (0..<72).filter { !lost.contains($0) }, "\(name)")
        }
    }

    /// The slot that tells of the last append, and a frame of that append: no torn tail, for the slot was written when the frame was on the disk.
    @Test(arguments: [60, 9, 14, 18, 2]) func aTailBehindADamagedSlotIsNamedAndNotCut(byte: Int) throws {
        let fixture = try LogFixture { $0.recordsPerBatchFrame = 5 }
        for start in stride(from: 0, to: 15, by: 5) { try fixture.open().append(records(100 + start..<105 + start), to: LogFixture.lane) }
        let file = fixture.segment(0)
        let whole = try fixture.bytes(of: file)
        var bytes = whole
        bytes[whole.count / 3 * 2 + byte] ^= 1
        try fixture.write(bytes, to: file)
        var end = try fixture.bytes(of: fixture.path("end"))
        // The newer one, by its sequence number.
        end[end[8] > end[72] ? 0 : 64] ^= 1
        try fixture.write(end, to: fixture.path("end"))
        let log = try fixture.open()
        #expect(try fixture.bytes(of: file) == bytes)
        let damages = try log.damages(of: LogFixture.lane, from: .zero)
        // By a header that makes no sense nobody knows how many they were.
        let lost = Offset(10)..<Offset(byte == 60 ? 15 : 11)
        #expect(damages.map(\.offsets) == [lost])
        #expect(refusal { try log.read(LogFixture.lane, from: Offset(10), maxRecords: 9, maxBytes: 99) }?.code == .corrupt)
        for damage in damages { try log.giveUp(damage) }
        let next = lost.upperBound.rawValue
        try fixture.open().append(records(Int(next)..<Int(next) + 2), to: LogFixture.lane)
        #expect(try readable(try fixture.openForReading()).offsets == Array(0..<10) + [next, next + 1])
    }

    /// A frame of several that were appended together: those behind it were acknowledged with it.
    @Test func aLostEndCutsNothingThatIsWhole() throws {
        let fixture = try LogFixture { $0.recordsPerBatchFrame = 5 }
        try fixture.open().append(records(0..<15, bytes: 150), to: LogFixture.lane)
        let file = fixture.segment(0)
        var bytes = try fixture.bytes(of: file)
        bytes[bytes.count / 2] ^= 1
        try fixture.write(bytes, to: file)
        try fixture.write([UInt8](repeating: 7, count: 128), to: fixture.path("end"))
        _ = try fixture.open()
        let log = try fixture.openForReading()
        #expect(try log.damages(of: LogFixture.lane, from: .zero).map(\.offsets) == [Offset(5)..<Offset(10)])
        #expect(try readable(log, from: 10).offsets == Array(10..<15))
    }

    /// The end is lost after the last records were given up: their offsets are nobody else's.
    @Test(arguments: [false, true]) func aLostEndKeepsWhatWasGivenUp(isBlank: Bool) throws {
        let frames = try fill()
        let last = try #require(frames.last)
        try fixture.write(Array(try fixture.bytes(of: last.file).prefix(last.position + 100)), to: last.file)
        let log = try fixture.openForReading()
        for damage in try log.damages(of: LogFixture.lane, from: .zero) { try log.giveUp(damage) }
        if isBlank {
            try FileManager.default.removeItem(atPath: fixture.path("end"))
        } else {
            try fixture.write([UInt8](repeating: 7, count: 128), to: fixture.path("end"))
        }
        try fixture.open().append(records(50..<52), to: LogFixture.lane)
        #expect(try readable(try fixture.openForReading()).offsets == Array(0..<45) + Array(50..<52))
    }

    /// Bytes anywhere, in any number: every record is read or named, none twice, and after giving up what is named everything else is there.
    @Test(arguments: [4_711, UInt64.random(in: 0..<1_000_000)]) func randomDamageIsReadOrNamed(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        _ = try fill()
        let files = try fixture.segments().map { fixture.path($0) }
        let whole = try files.map { try fixture.bytes(of: $0) }
        for trial in 0..<40 {
            for (file, bytes) in zip(files, whole) { try fixture.write(bytes, to: file) }
            try? FileManager.default.removeItem(atPath: fixture.path("given-up"))
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let file = files.indices.randomElement(using: &random) ?? 0
                let position = Int.random(in: 0..<whole[file].count, using: &random)
                try flip(files[file], at: position, bit: UInt8.random(in: 1...255, using: &random))
            }
            let note = "seed \(seed), trial \(trial)"
            let log = try fixture.openForReading()
            let damages = try log.damages(of: LogFixture.lane, from: .zero)
            let lost = Set(damages.flatMap { Array($0.offsets.lowerBound.rawValue..<$0.offsets.upperBound.rawValue) })
            #expect(!damages.isEmpty, "\(note)")
            #expect(try readable(log).offsets == Array(0..<(lost.min() ?? 50)), "\(note)")
            for damage in damages { try log.giveUp(damage) }
            let (offsets, error) = try readable(log, maxRecords: Int.random(in: 1...20, using: &random))
            #expect(error == nil && offsets == (0..<50).filter { !lost.contains($0) }, "\(note): \(String(describing: error))")
            #expect(lost.count <= 20, "\(note): \(lost)")
        }
    }
}
