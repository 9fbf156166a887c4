import Glibc
import ParallaxCore

extension EmbeddedLog {
    /// How often the durable ends are looked at: one small read a partition, some 0.1 % of a core for a few partitions,
    /// and a delay that nobody sees. (inotify would need a descriptor and a thread per reader for the same.)
    private static let microsecondsBetweenLooks: UInt32 = 2_000

    /// Blocks until one of the partitions has a record at or above the given offset, or the time is up. Returns whether one has.
    ///
    /// Appends of other processes count. Partitions that are not named are not looked at.
    @discardableResult
    public func waitForNews(after positions: [Partition: Offset], timeout: Duration) throws(ParallaxError) -> Bool {
        let latest = ContinuousClock.now + timeout
        while true {
            for (partition, offset) in positions where try bounds(of: partition).upperBound > offset { return true }
            if ContinuousClock.now >= latest { return false }
            usleep(Self.microsecondsBetweenLooks)
        }
    }
}
