/// A `CREATE MATERIALIZED VIEW`: the plan, and the text that it came from.
public struct ViewDefinition: Hashable, Sendable, Codable {
    public var name: String
    public var plan: Plan
    /// The SELECT as written, for PostgreSQL (the oracle) and for people.
    public var selectText: String
    /// Twelve hex digits of a hash over the plan (not over white space or comments, and not over the view's name).
    public var version: String
    /// What follows the view's name, in its normal form (`NormalSQL`): options and SELECT, a line a clause.
    public var definitionText: String
    /// A run whose drift exceeds this share (0.05 for '5%') is held; nil: none is. Changes no row, and so no version.
    public var maxDrift: Double?
    /// What readers find in `serving`: the outputs, and what the row says of itself.
    public var servedColumns: [String] { plan.outputs.map(\.name) + ["is_exact", "is_closed"] }

    public init(
        name: String, plan: Plan, selectText: String, version: String, definitionText: String? = nil, maxDrift: Double? = nil
    ) {
        self.name = name
        self.plan = plan
        self.selectText = selectText
        self.version = version
        self.definitionText = definitionText ?? NormalSQL.lines(of: selectText).joined(separator: "\n")
        self.maxDrift = maxDrift
    }
}

extension ViewDefinition {
    /// The relation in `serving` that a view's changes are read from.
    public var changesName: String { Self.changesName(of: name) }

    /// A view's name is short enough for that (`LanguageLimits.viewNameBytes`).
    public static func changesName(of view: String) -> String { "\(view)_changes" }
    /// The function beside a view that answers in coarser windows or fewer groups.
    public static func rollUpName(of view: String) -> String { "\(view)_rollup" }
}

/// A `CREATE VIEW`: PostgreSQL's own work over the merged rows; the text goes there as it is.
public struct OverlayDefinition: Hashable, Sendable, Codable {
    public var name: String
    /// The query after AS, as written.
    public var selectText: String
    /// Views, overlays and tables of the pipeline that it reads, by name.
    public var reads: [String]
    public init(name: String, selectText: String, reads: [String]) {
        self.name = name
        self.selectText = selectText
        self.reads = reads
    }
}

/// All definitions of a pipeline, in an order in which each stands after what it reads.
public struct Definitions: Hashable, Sendable, Codable {
    public var sources: [SourceDefinition]
    /// The tables that views look events up in.
    public var dimensions: [DimensionDefinition]
    public var views: [ViewDefinition]
    public var overlays: [OverlayDefinition]
    public init(
        sources: [SourceDefinition], dimensions: [DimensionDefinition] = [], views: [ViewDefinition], overlays: [OverlayDefinition]
    ) {
        self.sources = sources
        self.dimensions = dimensions
        self.views = views
        self.overlays = overlays
    }
}
