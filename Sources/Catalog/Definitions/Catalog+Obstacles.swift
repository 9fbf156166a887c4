import ParallaxCore
import Postgres

extension Catalog {
    /// Writes down why the merged view of a version could not be written: the version before it is served on, and this one waits. No error: nothing
    /// is in its way (any more). Call it inside the transaction that serves the version; where that should not go on without it, the caller throws.
    public func setObstacle(_ version: ViewVersion, _ error: ParallaxError?) throws(ParallaxError) {
        let words = error.map(\.refusalWords)
        try connection.query(
            "UPDATE parallax.view_version SET obstacle = $2 WHERE version_id = $1 AND obstacle IS DISTINCT FROM $2",
            [.version(version.id), words.map { .text($0) } ?? .null])
        guard error != nil else { return }
        try connection.query(
            """
            UPDATE parallax.view w SET active_version_id = e.version_id
            FROM (SELECT version_id FROM parallax.view_version WHERE view_id = $1 AND version_id < $2 AND state_table <> ''
                  ORDER BY version_id DESC LIMIT 1) e
            WHERE w.view_id = $1 AND w.active_version_id = $2
            """, [.view(version.viewID), .version(version.id)])
        try connection.query(
            """
            UPDATE parallax.view_version v SET served_until = NULL
            FROM parallax.view w WHERE w.view_id = $1 AND v.version_id = w.active_version_id AND v.served_until IS NOT NULL
            """, [.view(version.viewID)])
    }
}
