import BatchLayer
import Operators
import ParallaxCore
import ViewLanguage

/// What a run needs of a source's archive. Calls block.
public protocol RunArchive: AnyObject, Sendable {
    /// What it decodes records by: the numbers of columns are this form's.
    var source: SourceDefinition { get }

    /// Archives what the source's log holds below the cut and the archive does not; returns when it is durable, with the offset a partition
    /// below which everything is archived (at or above the cut). Another process that archives the same source may do the work.
    /// - Parameter progress: records archived so far by this call.
    func archive(upTo cut: Cut, progress: (Int) throws(ParallaxError) -> Void) throws(ParallaxError) -> Cut

    /// What the manifest names and holds offsets below the cut, in any order.
    func segments(below cut: Cut) throws(ParallaxError) -> [Segment]

    /// What a person gave up of the log: part of every answer from now on.
    func acceptedGaps() throws(ParallaxError) -> [AcceptedGap]

    /// Throws where the segment is missing or its bytes are not those that were written.
    func verify(_ segment: Segment) throws(ParallaxError)

    /// The segment's records in offset order, rejected ones too; `columns` (indexes into the source's columns) are filled in at least.
    /// Identities are filled in where `columns` hold the event id and the event time.
    func read(
        _ segment: Segment, columns: Set<Int>, _ body: (EventBatch) throws(ParallaxError) -> Void
    ) throws(ParallaxError)
}
