import ParallaxCore
import Postgres

extension Catalog {
    /// Tells people, and the log's retention, up to where each partition is archived. It never goes back: the archive does not.
    public func recordArchived(source id: SourceID, _ archived: Cut) throws(ParallaxError) {
        // In partition order, as everybody who locks several of these rows does.
        for partition in archived.partitions {
            try connection.query(
                """
                UPDATE parallax.partition_position SET archived_offset = $3
                WHERE source_id = $1 AND partition = $2 AND archived_offset < $3
                """, [.source(id), .int(Int64(partition.rawValue)), .int(archived[partition].rawValue)])
        }
    }
}
