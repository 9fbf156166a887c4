import Columns
import ParallaxCore
import ViewLanguage

extension EventMaker {
    /// Page views for a source with the example's columns, Nexmark's events for one with the columns of its streams, else random values of the
    /// declared types.
    public init(_ source: SourceDefinition) {
        if let stream = NexmarkMaker.Stream.allCases.first(where: {
            $0.columns == source.columns.map(\.name) && $0.types == source.columns.map(\.type)
        }) {
            self = .nexmark(NexmarkMaker(stream))
            return
        }
        let types: [ScalarType] = [.uuid, .timestamptz, .text, .text, .text, .numeric(precision: 12, scale: 2), .int8]
        let isPageView = source.columns.map(\.name) == PageViewMaker.columns && source.columns.map(\.type) == types
        self = isPageView ? .pageViews(PageViewMaker()) : .declared(DeclaredEventMaker(source))
    }
}

extension TrafficGenerator {
    /// The next records, until `count` is `end`, in the form that a log takes.
    public mutating func records(upTo end: Int) -> [NewRecord] {
        var records: [NewRecord] = []
        records.reserveCapacity(max(0, end - count))
        while count < end {
            let record = next()
            records.append(NewRecord(key: record.key, payload: record.payload))
        }
        return records
    }
}
