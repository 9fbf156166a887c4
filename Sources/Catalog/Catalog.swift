import Columns
import MergeLaw
import ParallaxCore
import Postgres
import ViewLanguage

/// The control tables, through one connection: who may write, how far each layer is, what is published.
///
/// Every function is one statement or runs inside the caller's transaction, where its comment says so.
public struct Catalog {
    public let connection: Connection
    /// With those who hold what a change of definitions needs.
    public var patience: LockPatience
    /// Who decides, where a person does: then the audit says so, in the same transaction. Nil: a layer works by itself.
    public var caller: Caller?

    public init(_ connection: Connection, patience: LockPatience = LockPatience()) {
        self.connection = connection
        self.patience = patience
    }
}

/// A source as the catalog knows it.
public struct CatalogSource: Sendable {
    public var id: SourceID
    public var definition: SourceDefinition
    public var requestedSlice: SliceNumber
    public var published: Published
    public var name: String { definition.name }
}

/// What every merged view of a source reads.
public struct Published: Hashable, Sendable {
    public var run: RunNumber
    public var slice: SliceNumber
    public init(run: RunNumber, slice: SliceNumber) {
        self.run = run
        self.slice = slice
    }
}

/// One version of a view, with the tables that hold its states.
public struct ViewVersion: Sendable, Hashable {
    public var id: VersionID
    public var viewID: ViewID
    public var viewName: String
    public var sourceID: SourceID
    public var hash: String
    public var plan: Plan
    public var selectText: String
    /// Unquoted; the same in schemas batch and speed.
    public var stateTable: String
    public var firstSlice: SliceNumber
    /// True for the version that serving.<view> shows.
    public var isActive: Bool
    /// A later version is served instead. The speed layer feeds it on, runs do not compute it: a revert to a publication that served it brings it back.
    public var isRetired = false
    /// Computed by every run, and not served before a person says so.
    public var isHeld = false
    /// The first run whose batch rows include it; nil: none yet.
    public var firstRun: RunNumber?
}

extension ViewVersion {
    /// The version of a definition that is not applied, to look at what its merged view would be. Nothing in the catalog has its
    /// numbers or its tables' name.
    public init(future view: ViewDefinition) {
        self.init(
            id: .none, viewID: ViewID(0), viewName: view.name, sourceID: SourceID(0), hash: view.version, plan: view.plan,
            selectText: view.selectText,
            stateTable: "future of \(view.version)", firstSlice: .first, isActive: false)
    }
}

extension StateTables {
    public init(_ version: ViewVersion) { self.init(plan: version.plan, stateTable: version.stateTable) }
}
