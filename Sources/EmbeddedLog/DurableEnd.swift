import Checksums
import Disk
import ParallaxCore

/// How far a partition is durable, as readers in every process see it.
///
///     published end ≤ what is on the disk      always: it is written only after the data's fdatasync returned
///
/// Not promised: that it is all of what is on the disk. A crash between the two leaves it behind, and the next writer
/// moves it on (see `PartitionWriter+Recovery.swift`). It is not synchronised itself: what a power failure takes from it is found again
/// in the same way.
///
/// The file has two slots of 64 bytes, written in turn, each with a checksum; the valid one with the larger sequence
/// number counts. So neither a reader beside the writer nor a crash in the middle of a write is ever without a valid slot, and no reader
/// needs a lock. (A shared mapping of one word would do for an offset alone; the segment and the position in it spare
/// readers and writers the search for them.)
struct DurableEnd: Equatable {
    /// First offset that the log still holds.
    var earliest: Int64 = 0
    /// First offset that is not durable.
    var end: Int64 = 0
    /// First offset of the segment that is appended to. Every segment before it is complete.
    var segment: Int64 = 0
    /// Durable bytes of that segment.
    var bytes: Int = 0

    static let slotBytes = 64
    private static let magic: UInt32 = 0x4558_4C50

    var isSensible: Bool {
        0 <= earliest && earliest <= segment && segment <= end && end <= Frame.largestOffset && bytes >= 0
    }
}

/// The file that holds it.
struct DurableEndFile {
    let file: File
    /// The sequence number of the slot that counts; 0 where none is valid.
    private var sequence: UInt64 = 0

    init(_ file: File) { self.file = file }

    /// Nil where no slot is valid: nothing was published yet, or the file is damaged.
    mutating func read() throws(ParallaxError) -> DurableEnd? {
        let (end, sequence) = try Self.read(file)
        self.sequence = sequence
        return end
    }

    /// Whether a slot was written and cannot be read: the one that counts may be the older of the two. For the holder of the lock: a reader may find a slot
    /// half written.
    func hasDamagedSlot() throws(ParallaxError) -> Bool {
        let bytes = try file.bytes(at: 0, count: 2 * DurableEnd.slotBytes)
        return bytes.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: DurableEnd.slotBytes).contains { slot in
                let slot = UnsafeRawBufferPointer(rebasing: bytes[slot..<min(slot + DurableEnd.slotBytes, bytes.count)])
                return slot.contains { $0 != 0 } && (slot.count < DurableEnd.slotBytes || DurableEnd.decode(slot) == nil)
            }
        }
    }

    static func read(_ file: File) throws(ParallaxError) -> (DurableEnd?, sequence: UInt64) {
        // A reader that the scheduler held up for two publications may find both slots half written, once.
        for _ in 0..<100 {
            var best: (DurableEnd?, UInt64) = (nil, 0)
            let count = try withUnsafeTemporaryAllocation(byteCount: 2 * DurableEnd.slotBytes, alignment: 8) {
                (slots) throws(ParallaxError) in
                let count = try file.read(at: 0, into: slots)
                for slot in [0, DurableEnd.slotBytes] where count >= slot + DurableEnd.slotBytes {
                    let bytes = UnsafeRawBufferPointer(rebasing: slots[slot..<slot + DurableEnd.slotBytes])
                    if let (end, sequence) = DurableEnd.decode(bytes), sequence > best.1 { best = (end, sequence) }
                }
                return count
            }
            if best.0 != nil || count == 0 { return best }
        }
        return (nil, 0)
    }

    mutating func publish(_ end: DurableEnd, durably: Bool = false) throws(ParallaxError) {
        precondition(end.isSensible, "\(end)")
        sequence += 1
        let position = sequence % 2 == 0 ? 0 : DurableEnd.slotBytes
        try file.write(end.encode(sequence: sequence).span.bytes, at: position)
        if durably { try file.syncContents() }
    }
}

extension DurableEnd {
    /// magic, CRC-32C of the rest, sequence, earliest, end, segment, bytes, zeros: little-endian.
    fileprivate func encode(sequence: UInt64) -> [UInt8] {
        var slot = [UInt8](repeating: 0, count: Self.slotBytes)
        slot.withUnsafeMutableBytes { raw in
            raw.storeBytes(of: Self.magic.littleEndian, toByteOffset: 0, as: UInt32.self)
            raw.storeBytes(of: sequence.littleEndian, toByteOffset: 8, as: UInt64.self)
            for (index, value) in [earliest, end, segment, Int64(bytes)].enumerated() {
                raw.storeBytes(of: value.littleEndian, toByteOffset: 16 + 8 * index, as: Int64.self)
            }
            let checksum = crc32c(UnsafeRawBufferPointer(rebasing: raw[8...]))
            raw.storeBytes(of: checksum.littleEndian, toByteOffset: 4, as: UInt32.self)
        }
        return slot
    }

    fileprivate static func decode(_ slot: UnsafeRawBufferPointer) -> (DurableEnd, sequence: UInt64)? {
        func long(_ offset: Int) -> Int64 { Int64(littleEndian: slot.loadUnaligned(fromByteOffset: offset, as: Int64.self)) }
        guard UInt32(littleEndian: slot.loadUnaligned(fromByteOffset: 0, as: UInt32.self)) == magic,
            UInt32(littleEndian: slot.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
                == crc32c(UnsafeRawBufferPointer(rebasing: slot[8...]))
        else { return nil }
        let end = DurableEnd(earliest: long(16), end: long(24), segment: long(32), bytes: Int(long(40)))
        let sequence = UInt64(bitPattern: long(8))
        guard end.isSensible, sequence < UInt64.max else { return nil }
        return (end, sequence)
    }
}
