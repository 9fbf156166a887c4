import BatchLayer
import Catalog

/// What a person may set about runs, under `batch.` in parallax.yaml.
public struct BatchSettings: Sendable {
    public var limits = BatchLimits()
    /// Under `lookup.`, the same as the speed layer's.
    public var dimensionLimits = DimensionLimits()
    /// Publications that can still be reverted to; their speed slices and batch rows are kept for it.
    public var keptPublications = 3
    /// Runs whose comparison of the layers is kept row by row. 0: no rows are kept.
    public var keptComparisons = 10
    /// The most rows of a view that a comparison keeps; those that differ most come first.
    public var comparedRows = 10_000
    /// A run after which more than this share of a source's events, or of a view's rows, would be gone is held. 100: none is.
    public var maxLossPercent = 50
    /// A run that is computed from fewer events than this share of those of the publication before is held. 0: none is.
    public var minInputPercent = 90
    /// How long answers of the HTTP API are kept.
    public var answersKept = Duration.seconds(7 * 86_400)
    /// How long a run waits for the speed workers to close the slice. A flush takes half a second; a worker that has not answered after a
    /// minute will not.
    public var boundaryDeadline: Duration = .seconds(60)
    /// Microseconds: an event further ahead of its append time than this does not move the watermark that retention is counted from.
    public var maxFutureSkew: Int64 = 3_600_000_000
    public var pollInterval: Duration = .milliseconds(25)
    /// How long a run that stands still (SIGSTOP) keeps its source once somebody else needs it.
    public var lease: Duration = .seconds(15)
    /// With readers of a view whose new version a run serves: seven minutes, since what was computed is lost with the run.
    public var patience = LockPatience(tries: 300)
    /// Whether a run, once published, gives up log records that are archived, below the cut and processed by the speed layer.
    public var trimsLog = false
    /// Offsets below the speed layer's position that stay in the log nevertheless: it reads them again after a restart, to know which
    /// events it has seen (its duplicate horizon).
    public var keptLogOffsets: Int64 = 200_000
    /// Batches that the reading thread may be ahead of the aggregating one: enough to keep both busy, few enough to be no memory.
    public var batchesAhead = 4
    /// Rows a chunk of COPY text.
    public var rowsPerCopyChunk = 4_096

    /// Where runs are made (host and folder), for people who look for whoever found a log first.
    public var place = "a batch run"
    public init() {}
}
