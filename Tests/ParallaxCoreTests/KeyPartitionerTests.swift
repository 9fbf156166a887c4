import ParallaxCore
import Testing

@Suite struct KeyPartitionerTests {
    /// The vectors of Apache Kafka's own UtilsTest.testMurmur2.
    @Test(arguments: [
        ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
        ("a-little-bit-longer-string", -1_486_304_829), ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
        ("abc", 479_470_107),
    ])
    func murmur2KnowsKafkasVectors(_ text: String, _ hash: Int32) {
        #expect(Int32(bitPattern: Array(text.utf8).withUnsafeBytes { KeyPartitioner.murmur2($0) }) == hash)
    }

    @Test func partitionIsInRangeForEveryLengthAndCount() {
        for length in 0..<20 {
            for partitions in 1..<20 {
                let chosen = KeyPartitioner.partition(forKey: (0..<length).map { UInt8(200 + $0) }, partitions: partitions)
                #expect((0..<Int32(partitions)).contains(chosen.rawValue))
            }
        }
    }
}
