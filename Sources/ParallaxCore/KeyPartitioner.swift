/// Where a record with a key goes: the partition that Kafka's default partitioner would choose, so that keys stay in
/// their partitions when a source moves between the embedded log and Kafka.
///
/// Source: `BuiltInPartitioner.partitionForKey` and `Utils.murmur2` of Apache Kafka's Java client
/// (librdkafka: `partitioner=murmur2_random`); MurmurHash2 is Austin Appleby's.
public enum KeyPartitioner {
    /// A partition in `0..<partitions`.
    public static func partition(forKey key: [UInt8], partitions: Int) -> Partition {
        precondition(partitions > 0, "\(partitions) partitions")
        let positive = key.withUnsafeBytes { murmur2($0) } & 0x7FFF_FFFF
        return Partition(Int(positive) % partitions)
    }

    /// MurmurHash2, 32 bits, little-endian words, with Kafka's seed.
    public static func murmur2(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        let multiplier: UInt32 = 0x5BD1_E995
        let count = bytes.count
        var hash: UInt32 = 0x9747_B28C ^ UInt32(truncatingIfNeeded: count)
        let whole = count & ~3
        for position in stride(from: 0, to: whole, by: 4) {
            var word = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self))
            word = word &* multiplier
            word ^= word >> 24
            word = word &* multiplier
            hash = hash &* multiplier
            hash ^= word
        }
        if count > whole {
            for position in (whole..<count).reversed() {
                hash ^= UInt32(bytes[position]) << UInt32(8 * (position - whole))
            }
            hash = hash &* multiplier
        }
        hash ^= hash >> 13
        hash = hash &* multiplier
        hash ^= hash >> 15
        return hash
    }
}
