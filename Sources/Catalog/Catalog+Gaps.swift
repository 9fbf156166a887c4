import ParallaxCore
import Postgres

extension Catalog {
    /// A speed layer that stands within records that a person gave up goes on behind them. Whoever holds the partition is fenced, reads the
    /// position anew and begins there. One that stands before them does not move: what is between is in the archive, and a batch run carries
    /// the position over it.
    public func passOver(_ gap: Range<Offset>, source id: Int64, partition: Partition) throws(ParallaxError) {
        try connection.query(
            """
            UPDATE parallax.partition_position SET next_offset = $4, epoch = epoch + 1, log_end = greatest(log_end, $4)
            WHERE source_id = $1 AND partition = $2 AND next_offset >= $3 AND next_offset < $4
            """, [.int(id), .int(Int64(partition.rawValue)), .int(gap.lowerBound.rawValue), .int(gap.upperBound.rawValue)])
    }
}
