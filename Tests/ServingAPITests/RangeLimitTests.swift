import ParallaxCore
import Testing

@testable import ServingAPI

@Suite struct RangeLimitTests {
    private static let limit = RangeLimit(longest: .seconds(3_600))
    private static let now: Int64 = 1_800_000_000

    /// Seconds before now; nil: not given.
    private static func asked(_ from: Int64?, _ until: Int64?) -> AskedRange {
        func bound(_ seconds: Int64?) -> AskedRange.Bound? {
            seconds.map { $0 == .max || $0 == .min ? .infinite : .instant(Instant(microseconds: (now - $0) * 1_000_000)) }
        }
        return AskedRange(from: bound(from), until: bound(until), now: Instant(microseconds: now * 1_000_000))
    }

    /// What is said of it; nil: nothing, it fits.
    private static func said(_ asked: AskedRange, periods: Int64 = 1, isLaterPage: Bool = false) -> String? {
        do throws(Problem) {
            try limit.check(asked, ofView: "v", periods: periods, isLaterPage: isLaterPage)
            return nil
        } catch {
            #expect(error.code == "range_too_long" && error.status == .unprocessableContent)
            return error.title + " " + error.members.map { "\($0.0)=\($0.1.text(indentation: nil))" }.joined(separator: " ")
        }
    }

    @Test(
        arguments: [
            (7_200, 3_600, nil), (7_201, 3_600, "is about 3601s,"), (-10, -3_610, nil), (100, 200, nil), (100, 100, nil),
            (172_800, 0, "is about 2d, and this server answers about at most 1h at a time asked_seconds=172800 allowed_seconds=3600"),
            // Without an end it is up to now, and clocks differ by less than a minute.
            (3_600, nil, nil), (3_660, nil, nil), (3_661, nil, "is about 3661s,"), (-100_000, nil, nil),
            (nil, nil, "has no beginning, and this server answers about at most 1h at a time asked_seconds=null"),
            (nil, 0, "has no beginning,"),
            (.max, 0, "has no finite beginning,"), (60, .min, "has no finite end,"),
        ] as [(Int64?, Int64?, String?)])
    func aRangeFitsOrIsToldItsLength(from: Int64?, until: Int64?, says: String?) {
        let said = Self.said(Self.asked(from, until))
        #expect(says == nil ? said == nil : said?.contains(says ?? "") == true, "\(String(describing: said))")
    }

    @Test func bothPeriodsCount() {
        #expect(Self.said(Self.asked(1_800, 0), periods: 2) == nil)
        #expect(Self.said(Self.asked(3_600, 0), periods: 2)?.contains("is about 2h, counting the period before, and") == true)
        #expect(Self.said(Self.asked(1_860, nil), periods: 2) == nil)
    }

    @Test func aFractionOfASecondIsTold() {
        var asked = Self.asked(3_600, 0)
        asked.until = .instant(Instant(microseconds: Self.now * 1_000_000 + 1))
        #expect(Self.said(asked)?.contains("is about 3601s,") == true)
    }

    @Test func theWholeOfTimeIsNoNumber() {
        let asked = AskedRange(
            from: .instant(Instant(microseconds: .min)), until: .instant(Instant(microseconds: .max)), now: Instant(microseconds: 0))
        #expect(Self.said(asked)?.contains("is about all times, and") == true)
    }

    /// Time goes on between two pages, and the question is the same.
    @Test func aLaterPageBelongsToTheFirst() {
        #expect(Self.said(Self.asked(9_999, nil), isLaterPage: true) == nil)
        #expect(Self.said(Self.asked(9_999, 0), isLaterPage: true) != nil)
        #expect(Self.said(Self.asked(nil, nil), isLaterPage: true) != nil)
    }
}
