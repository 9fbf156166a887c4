import ParallaxCore
import TestSupport
import Testing

/// Patterns that come with the records: one that is no regular expression rejects its record for the view that reads it, in both layers, and stops nothing.
@Suite struct RecordPatternTests {
    @Test func aWrongPatternRejectsItsRecordOnly() throws {
        let pipeline = try LayeredPipeline(
            partitions: 2,
            views: [
                .init("matching", "SELECT page, count(*) AS n FROM page_view WHERE visitor ~ page GROUP BY page"),
                .init("all_of_them", "SELECT count(*) AS n FROM page_view"),
            ])
        func append(_ numbers: Range<Int>) throws {
            for (number, (visitor, page)) in zip(
                numbers, [("/a/1", "^/a"), ("/b", "(unclosed"), ("/c", "^/a"), ("x", "a{300}"), ("xx", "x{2}")])
            {
                let payload = """
                    {"event_id": "e\(number)", "event_time": "2024-01-01T10:00:00Z", "visitor": "\(visitor)", "page": "\(page)"}
                    """
                try pipeline.log.append([NewRecord(key: nil, payload: Array(payload.utf8))], to: Partition(number % 2))
            }
        }
        func expect(_ times: Int, _ note: String) throws {
            #expect(try pipeline.rows("SELECT page, n FROM serving.matching ORDER BY 1") == ["^/a|\(times)", "x{2}|\(times)"], "\(note)")
            #expect(try pipeline.rows("SELECT n FROM serving.all_of_them") == ["\(5 * times)"], "\(note)")
        }
        try append(0..<5)
        try pipeline.speed()
        try expect(1, "live")
        let report = try pipeline.batch()
        #expect(report.views.first { $0.view.hasSuffix("matching") }?.rejected["expression_error"] == 2)
        try expect(1, "published")
        try append(5..<10)
        try pipeline.speed()
        try expect(2, "merged")
        #expect(
            try pipeline.rows("SELECT DISTINCT message FROM parallax.rejected_record WHERE reason = 'expression_error' ORDER BY 1") == [
                "invalid regular expression: invalid repetition count(s)", "invalid regular expression: parentheses () not balanced",
            ])
    }
}
