import Catalog
import ParallaxCore
import Postgres
import ViewLanguage

/// One answer of the sample, while its rows pass by.
struct AnswerSampler {
    private struct Places {
        var window: Int
        var groups: [Int]
        var numbers: [Int]
        var isExact: Int?
        var isClosed: Int?
    }

    private let audit: AnswerAudit
    private let places: Places
    private var answer: ServedAnswer
    private var bytes = 0
    private var isFull = false

    /// Nil where the answer is not kept: it is none of the sample, or its rows cannot be told to be a run's: roll-ups, one layer's rows, rows of an earlier publication,
    /// views on top, and those without a window or of sessions.
    ///
    /// - Parameter isFirstPage: an answer that begins behind a row lacks those before it.
    init?(_ audit: AnswerAudit?, _ view: ServedView, _ query: RowsQuery, _ sources: [SourceFrontier], isFirstPage: Bool) {
        guard let audit, audit.settings.share > 0, let version = view.version, query.rollUp == nil, query.layer == .merged,
            query.asOfRun == nil, let frontier = sources.first(where: { $0.id == version.sourceID })
        else { return nil }
        let plan = version.plan
        let shown = query.selected
        let names = shown.map(\.name)
        func place(_ value: Plan.Output.Value) -> Int? {
            plan.outputs.lazy.filter { $0.value == value }.compactMap { names.firstIndex(of: $0.name) }.first
        }
        let groups = plan.groups.indices.compactMap { place(.group($0)) }
        guard groups.count == plan.groups.count, let window = ServedAnswer.WindowColumn(plan, shows: Set(names)),
            let windowPlace = place(window.isEnd ? .windowEnd : .window)
        else { return nil }
        let numbers = shown.indices.filter { shown[$0].role == .measure && TypeID.numbers.contains(shown[$0].typeID) }
        guard !numbers.isEmpty, audit.isNextSampled else { return nil }
        self.audit = audit
        places = Places(
            window: windowPlace, groups: groups, numbers: numbers, isExact: names.firstIndex(of: "is_exact"),
            isClosed: names.firstIndex(of: "is_closed"))
        var (from, to): (String?, String?)
        var hasFilter = false
        for condition in query.conditions {
            switch condition {
            case .from(_, let text): from = text
            case .to(_, let text): to = text
            case .among: hasFilter = true
            }
        }
        answer = ServedAnswer(
            version: version.id, window: window, numbers: numbers.map { names[$0] }, frontier: frontier, rows: [],
            isWhole: isFirstPage && !hasFilter, from: from, to: to)
    }

    mutating func add(_ row: VisitedRow) {
        guard !isFull else { return }
        guard answer.rows.count < audit.settings.rowsPerAnswer, bytes < audit.settings.bytesPerAnswer else {
            isFull = true
            return
        }
        func text(_ place: Int) -> String? { row[place].map { String(decoding: $0, as: UTF8.self) } }
        func flag(_ place: Int?) -> Bool? { place.flatMap { row[$0] }.map { $0.first == UInt8(ascii: "t") } }
        // A window that is null would be no window: PostgreSQL gives none.
        guard let window = text(places.window) else { return }
        let found = ServedAnswer.Row(
            window: window, groups: places.groups.map(text), numbers: places.numbers.map(text), isExact: flag(places.isExact),
            isClosed: flag(places.isClosed))
        bytes += (found.groups + found.numbers).reduce(window.utf8.count) { $0 + ($1?.utf8.count ?? 0) }
        answer.rows.append(found)
    }

    /// - Parameter hasMore: there are rows that this answer leaves to another page.
    consuming func end(hasMore: Bool) {
        if hasMore || isFull { answer.isWhole = false }
        if answer.rows.isEmpty && !answer.isWhole { return }
        audit.offer(answer)
    }
}
