import Foundation
import TestSupport
import Testing

/// `serve.max_range`: a question is about so much time at most, whichever way it is asked.
@Suite(.serialized) struct APIRangeTests {
    private static let hour = "from=2026-01-10T00:00:00Z&to=2026-01-10T01:00:00Z"
    private static let more = "from=2026-01-10T00:00:00Z&to=2026-01-10T01:00:00.5Z"

    @Test func aLongerQuestionIsRefusedAndAShorterOneAnswered() throws {
        let live = try LivePipeline()
        try live.serve("serve", ["serve.max_range=1 hour"])
        let rows = "/v1/views/v/rows?"
        // As programs ask for the last minutes, without an end.
        let lately = "from=" + Date(timeIntervalSinceNow: -600).ISO8601Format()

        let whole = try live.get(rows + Self.hour)
        #expect(try whole.status == 200 && whole.rows.count == Int(live.pipeline.value("SELECT count(*) FROM serving.v")))
        for path in [
            rows + lately, rows + Self.hour + "&bucket=1h",
            rows + "bucket=30m&compare=-30m&from=2026-01-10T00:00:00Z&to=2026-01-10T00:30:00Z",
            rows + "from=2026-01-10T03:00:00%2B03:00&to=2026-01-10T01:00:00Z", "/v1/views/by_k/rows", "/v1/views/by_k/changes",
            "/v1/views/newest/rows",
            "/v1/views/by_k/rows?groups=k",
        ] {
            let answer = try live.get(path)
            #expect(answer.status == 200, "\(path): \(answer.text)")
        }
        for (path, says, seconds) in [
            (rows, "has no beginning", nil), (rows + "to=2026-01-10T01:00:00Z", "has no beginning", nil),
            (rows + Self.more, "is about 3601s", 3_601),
            (rows + "from=-infinity&to=2026-01-10T01:00:00Z", "no finite beginning", nil),
            (rows + "from=2026-01-10T00:00:00Z&to=infinity", "no finite end", nil),
            (rows + Self.more + "&format=csv", "serve.max_range", 3_601), (rows + Self.more + "&layer=batch&limit=1", "at most 1h", 3_601),
            (rows + Self.more + "&bucket=1h", "is about 3601s", 3_601), (rows + "bucket=all", "has no beginning", nil),
            (rows + Self.hour + "&bucket=1h&compare=-1h", "is about 2h, counting the period before", 7_200),
            ("\(LivePipeline.live)", "/live?from", nil), ("\(LivePipeline.live)?\(Self.more)", "is about 3601s", 3_601),
            (LivePipeline.changes, "/v1/views/v/live?from", nil),
        ] as [(String, String, Int?)] {
            let answer = try live.get(path)
            #expect(
                answer.status == 422 && answer.code == "range_too_long" && answer.text.contains(says),
                "\(path): \(answer.status) \(answer.text)")
            #expect(
                answer.object["asked_seconds"] as? Int == seconds && answer.object["allowed_seconds"] as? Int == 3_600,
                "\(path): \(answer.text)")
        }
        #expect(try live.get(rows + Self.more, method: "HEAD").status == 422)
        #expect(try live.get(rows + "from=yesterdaz").code == "invalid_value")

        // Pages of a range that fits.
        var (path, count) = (rows + Self.hour + "&limit=7", 0)
        while true {
            let page = try live.get(path)
            count += page.rows.count
            guard page.status == 200, let next = page.object["next"] as? String else { break }
            path = rows + Self.hour + "&limit=7&cursor=\(next)"
        }
        #expect(count == whole.rows.count)
    }

    /// A follower begins with a range, and follows all that comes; where it has a number it needs none.
    @Test func followersBeginWithARange() throws {
        let live = try LivePipeline()
        try live.serve("serve", ["serve.max_range=1 hour"])
        let number = try live.number()
        let follower = try live.follower("\(LivePipeline.live)?\(Self.hour)")
        try follower.read(to: number)
        #expect(try follower.rows == live.truth())
        let later = try live.follower("\(LivePipeline.live)?since=\(number)")
        try live.flush(10) { 20 + $0 % 2 }
        try later.read(to: live.number())
        #expect(later.resets == [] && later.rowsOfChanges > 0)
        let changes = try live.get("\(LivePipeline.changes)?since=\(number)")
        #expect(changes.status == 200 && (changes.object["changes"] as? [Any])?.isEmpty == false)
        // Where what was missed is not kept, a snapshot would be needed: the stream says that it gives none.
        let client = try HTTPClient(live.address)
        try client.send("GET", "\(LivePipeline.live)?since=0")
        #expect(try client.head().status == 200)
        var text = ""
        while let chunk = try client.chunk(), !chunk.isEmpty { text += String(decoding: chunk, as: UTF8.self) }
        #expect(text.contains("event: problem") && text.contains("range_too_long") && !text.contains("event: reset"), "\(text)")
    }
}
