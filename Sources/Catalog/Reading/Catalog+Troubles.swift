import ParallaxCore
import Postgres

/// What a layer cannot do for a source at the moment. It stays with that source: the layer goes on with the others, tries again, and takes the
/// word back when it can.
public struct LayerTrouble: Sendable {
    public enum Layer: String, Sendable, CaseIterable { case speed, archive, batch }
    public var layer: Layer
    public var source: String
    /// What of the source: `log`, `group …`, `partition 3`.
    public var subject: String
    public var error: ParallaxError
    /// When this error was met first, and last.
    public var since: Instant
    public var seenAt: Instant
    /// How often.
    public var seen: Int64
}

extension Catalog {
    public func recordTrouble(
        _ layer: LayerTrouble.Layer, source id: SourceID, subject: String, _ error: ParallaxError
    ) throws(ParallaxError) {
        // PostgreSQL's text holds no U+0000, and messages quote what others said.
        func text(_ words: String?) -> Parameter { words.map { .text($0.replacing("\u{0}", with: "\u{FFFD}")) } ?? .null }
        try connection.query(
            """
            INSERT INTO parallax.trouble AS t (layer, source_id, subject, code, message, detail, hint)
            SELECT $1, source_id, $3, $4, $5, $6, $7 FROM parallax.source WHERE source_id = $2
            ON CONFLICT (layer, source_id, subject) DO UPDATE SET
                code = excluded.code, message = excluded.message, detail = excluded.detail, hint = excluded.hint, seen_at = clock_timestamp(),
                seen = CASE WHEN t.message = excluded.message THEN t.seen + 1 ELSE 1 END,
                since = CASE WHEN t.message = excluded.message THEN t.since ELSE clock_timestamp() END
            """,
            [
                .text(layer.rawValue), .source(id), .text(subject), .text(error.code.rawValue), text(error.message), text(error.detail),
                text(error.hint),
            ])
    }

    /// - Parameter subject: nil: whatever there was.
    public func clearTroubles(_ layer: LayerTrouble.Layer, source id: SourceID, subject: String? = nil) throws(ParallaxError) {
        try connection.query(
            "DELETE FROM parallax.trouble WHERE layer = $1 AND source_id = $2 AND ($3::text IS NULL OR subject = $3)",
            [.text(layer.rawValue), .source(id), subject.map { .text($0) } ?? .null])
    }

    /// By source, layer and subject.
    public func troubles() throws(ParallaxError) -> [LayerTrouble] {
        try connection.query(
            """
            SELECT t.layer, s.name, t.subject, t.code, t.message, t.detail, t.hint, \(Self.micros("t.since")), \(Self.micros("t.seen_at")), t.seen
            FROM parallax.trouble t JOIN parallax.source s USING (source_id) ORDER BY s.name, t.layer DESC, t.subject
            """
        ).rows.map { row throws(ParallaxError) in
            let words = (layer: try row.text(0), code: try row.text(3))
            guard let layer = LayerTrouble.Layer(rawValue: words.layer), let code = ParallaxError.Code(rawValue: words.code) else {
                throw ParallaxError(
                    .corrupt, "a row of parallax.trouble is none that this binary knows", detail: "layer \(words.layer), code \(words.code)"
                )
            }
            return try LayerTrouble(
                layer: layer, source: row.text(1), subject: row.text(2),
                error: ParallaxError(code, row.text(4), detail: row[5], hint: row[6]), since: row.instant(7), seenAt: row.instant(8),
                seen: row.int(9))
        }
    }
}
