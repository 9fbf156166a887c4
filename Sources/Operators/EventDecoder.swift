import Columns
import ParallaxCore
import ViewLanguage

/// JSON payloads to the columns of a source. Holds the parser's buffers: one a thread, reused for every batch.
public final class EventDecoder {
    public init(_ source: SourceDefinition) {}
    public func decode(_ records: RecordBatch) -> EventBatch { preconditionFailure("not written yet") }
}

/// The identity of an event from its two columns; the same as the decoder computes. `eventID` is text, uuid, int4 or int8.
/// Rows with a null in either column get 0.
public func eventIdentities(eventID: Column, eventTime: Column) -> [UInt128] { preconditionFailure("not written yet") }
