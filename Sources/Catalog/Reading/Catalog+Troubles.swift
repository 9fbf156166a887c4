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
        _ layer: LayerTrouble.Layer, source id: Int64, subject: String, _ error: ParallaxError
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
                .text(layer.rawValue), .int(id), .text(subject), .text(error.code.rawValue), text(error.message), text(error.detail),
                text(error.hint),
            ])
    }

    /// - Parameter subject: nil: whatever there was.
    public func clearTroubles(_ layer: LayerTrouble.Layer, source id: Int64, subject: String? = nil) throws(ParallaxError) {
        try connection.query(
            "DELETE FROM parallax.trouble WHERE layer = $1 AND source_id = $2 AND ($3::text IS NULL OR subject = $3)",
            [.text(layer.rawValue), .int(id), subject.map { .text($0) } ?? .null])
    }

    /// By source, layer and subject.
    public func troubles() throws(ParallaxError) -> [LayerTrouble] {
        try connection.query(
            """
            SELECT t.layer, s.name, t.subject, t.code, t.message, t.detail, t.hint, \(Self.micros("t.since")), \(Self.micros("t.seen_at")), t.seen
            FROM parallax.trouble t JOIN parallax.source s USING (source_id) ORDER BY s.name, t.layer DESC, t.subject
            """
        ).rows.map { row throws(ParallaxError) in
            guard let layer = row[0].flatMap({ LayerTrouble.Layer(rawValue: $0) }), let source = row[1], let subject = row[2],
                let code = row[3].flatMap({ ParallaxError.Code(rawValue: $0) }), let message = row[4], let since = row.int(7),
                let seenAt = row.int(8), let seen = row.int(9)
            else {
                throw ParallaxError(
                    .corrupt, "a row of parallax.trouble is none that this binary knows",
                    detail: "layer \(row[0] ?? ""), code \(row[3] ?? "")")
            }
            return LayerTrouble(
                layer: layer, source: source, subject: subject, error: ParallaxError(code, message, detail: row[5], hint: row[6]),
                since: Instant(microseconds: since), seenAt: Instant(microseconds: seenAt), seen: seen)
        }
    }
}
