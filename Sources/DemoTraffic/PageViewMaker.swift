/// Page views of a shop: a thousand pages and fifty thousand visitors with Zipf's law, twelve countries, a purchase in one view of twenty,
/// durations with a long tail. The columns are those of the demo's `page_view`.
public struct PageViewMaker: Sendable {
    static let columns = ["event_id", "event_time", "visitor", "page", "country", "amount", "duration_ms"]

    private let pages: [[UInt8]]
    private let pageRanks = ZipfRanks(count: 1_000)
    private let visitorRanks = ZipfRanks(count: 50_000)

    /// Country and share in a hundred; ZZ stands for "unknown", which the demo's view leaves out.
    private static let countries: [(StaticString, Int)] = [
        ("US", 28), ("DE", 14), ("IN", 12), ("BR", 9), ("GB", 8), ("FR", 7), ("JP", 6), ("PL", 5), ("CA", 4), ("AU", 3), ("NG", 2),
        ("ZZ", 2),
    ]

    init() {
        let fixed = ["/", "/search", "/cart", "/checkout", "/account", "/help", "/about", "/offers"]
        let sections = ["products", "articles", "brands", "guides"]
        pages = (0..<1_000).map { rank in
            Array((rank < fixed.count ? fixed[rank] : "/\(sections[rank % sections.count])/\(rank)").utf8)
        }
    }

    func record(eventTime: Int64, malformation: Malformation?, _ random: inout SeededRandom) -> TrafficGenerator.Record {
        let id = random.uuid()
        let visitor = visitorRanks.pick(&random)
        let page = pageRanks.pick(&random)
        var share = random.below(100)
        let country = Self.countries.first { entry in
            share -= entry.1
            return share < 0
        }
        let isPurchase = random.happens(perMillion: 50_000)
        let cents = Int64(random.within(199..<25_000))
        // Each doubling is half as likely as the one before it: a tail as long as real ones.
        let duration = Int64(random.within(80..<400)) << Int64(min(9, random.next().trailingZeroBitCount))

        var json: [UInt8] = []
        json.reserveCapacity(240)
        json.append(UInt8(ascii: "{"))
        if malformation == .notAnObject { json = [UInt8(ascii: "[")] }
        if malformation != .missingEventID && malformation != .notAnObject {
            json.appendText("\"event_id\":\"")
            json.appendUUID(id)
            json.appendText("\",")
        }
        json.appendText(malformation == .notAnObject ? "\"" : "\"event_time\":\"")
        if malformation == .wrongType {
            json.appendText("yesterday, about noon")
        } else {
            json.appendInstant(microseconds: eventTime)
        }
        if malformation == .notAnObject {
            json.appendText("\"]")
            return TrafficGenerator.Record(key: nil, payload: json, isMalformed: true)
        }
        json.appendText("\",\"visitor\":\"v")
        if malformation == .nulCharacter { json.appendText("\\u0000") }
        json.appendDigits(UInt64(visitor), width: 5)
        json.appendText("\",\"page\":\"")
        if malformation == .invalidUTF8 { json.append(0xFF) }
        json.append(contentsOf: pages[page])
        json.appendText("\",\"country\":\"")
        json.appendText(country?.0 ?? "ZZ")
        json.appendText("\"")
        if isPurchase {
            json.appendText(",\"amount\":")
            json.appendDecimal(unscaled: cents, scale: 2)
        }
        json.appendText(",\"duration_ms\":")
        json.appendDigits(duration)
        json.append(UInt8(ascii: "}"))

        guard malformation == nil else { return TrafficGenerator.Record(key: nil, payload: json, isMalformed: true) }
        var key: [UInt8] = []
        key.appendUUID(id)
        return TrafficGenerator.Record(key: key, payload: json)
    }
}
