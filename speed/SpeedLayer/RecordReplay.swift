import Operators
import ParallaxCore
import ViewLanguage

/// What a worker made of the records of one partition, told again by whoever reads them from an earlier offset on.
///
/// Duplicates are a function of the log: told exactly where reading begins at least `duplicateHorizon` offsets before the first record that counts.
///
/// Not promised: which event was late. Where a worker began (its watermark then), and when records arrived whose append time nobody believes, the log does
/// not say. The answer is right as soon as a later newest event time than the one at the begin has passed; whoever asks compares with what the layer counted.
public struct RecordReplay: Sendable {
    private let source: SourceDefinition
    private var horizon: DuplicateHorizon
    private var watermark: WatermarkTracker

    public init(_ source: SourceDefinition, rules: SpeedRules) {
        self.source = source
        horizon = DuplicateHorizon(length: rules.duplicateHorizon)
        watermark = WatermarkTracker(
            outOfOrderness: source.outOfOrderness, lateness: source.lateness, maxFutureSkew: rules.maxFutureSkew)
    }

    /// - Parameters:
    ///   - batch: consecutive records, behind those of the call before.
    ///   - unread: offsets that no worker has read, since a run took the position over them. They only warm up the horizon.
    public mutating func classes(of batch: EventBatch, unread: [Range<Int64>] = []) -> [RecordClass] {
        guard case .int64(let times)? = batch.columns[source.eventTimeColumn]?.storage else {
            preconditionFailure("the event time of \(source.name) was not decoded")
        }
        var classes = [RecordClass](repeating: .rejected, count: batch.count)
        for row in 0..<batch.count where batch.isRejected[row] == 0 {
            let isDuplicate = horizon.insert(batch.identities[row], at: batch.offsets[row])
            guard !unread.contains(where: { $0.contains(batch.offsets[row]) }) else {
                classes[row] = .event
                continue
            }
            let appendedAt = source.appendTime == .record ? batch.appendedAt[row] : EventBatch.noAppendTime
            let isLate =
                !isDuplicate && watermark.isLate(eventTime: times[row], appendedAt: appendedAt, arrivedAt: .max)
            classes[row] = RecordClass(isRejected: false, isDuplicate: isDuplicate, isLate: isLate)
        }
        return classes
    }
}
