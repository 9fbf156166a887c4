import ParallaxCore
import Postgres
import ViewLanguage

/// What applying a pipeline's definitions would change, in the order in which it is done.
public struct ApplyPlan: Sendable {
    public struct Change: Sendable, Hashable {
        public enum Kind: String, Sendable { case source, table, view, overlay }
        public enum Action: String, Sendable { case new, changed, dropped, unchanged }

        public var action: Action
        public var kind: Kind
        public var name: String
        /// How the text of a changed definition differs. Empty where only its source's text does.
        public var diff: LineDiff?
        /// The version that the newest definition had, and the one that it would have. Equal where no row changes.
        public var from: String?
        public var to: String?
        /// The source whose history is computed for this, by the next run.
        public var recomputes: String?
        /// The newest version goes, and the one that is served is what the definitions say.
        public var isStepBack = false
        /// How many rows go with a dropped table of the pipeline. Nil where the table is the user's own, and stays as it is.
        public var rows: Int64?
        /// Another version of Parallax stored what is applied, and this one cannot read it: it is built anew.
        public var isUnreadable = false
        /// The served version is unreadable, too: from the apply on nothing is served, until a run has published the new version.
        public var isServedUnreadable = false
        /// The dropped source, where its definition can be read: its log and its archive stay.
        public var source: SourceDefinition?

        public init(_ action: Action, _ kind: Kind, _ name: String) {
            self.action = action
            self.kind = kind
            self.name = name
        }

        /// Something is rebuilt from history, or goes: a person agrees to that. Additions go through; so do changes that hold nothing.
        public var needsConsent: Bool {
            switch (action, kind) {
            case (.new, _), (.unchanged, _): false
            case (.dropped, .table): rows != nil
            case (.dropped, _): true
            case (.changed, .source): true
            case (.changed, .view): from != to || isUnreadable
            case (.changed, .overlay), (.changed, .table): false
            }
        }
    }

    public var changes: [Change]
    public var definitions: Definitions
    /// Tables that the versions of now cannot be computed with: live rows of their sources wait.
    public var troubles: [DimensionTrouble] = []

    init(changes: [Change], definitions: Definitions, troubles: [DimensionTrouble]) {
        self.changes = changes
        self.definitions = definitions
        self.troubles = troubles
    }

    /// Where nothing was ever applied.
    public init(beginningWith definitions: Definitions) {
        self.definitions = definitions
        changes =
            definitions.sources.map { Change(.new, .source, $0.name) } + definitions.dimensions.map { Change(.new, .table, $0.name) }
            + definitions.views.map { view in
                var change = Change(.new, .view, view.name)
                change.recomputes = view.plan.source.name
                return change
            } + definitions.overlays.map { Change(.new, .overlay, $0.name) }
    }

    public var isEmpty: Bool { changes.allSatisfy { $0.action == .unchanged } }
}

extension Catalog {
    /// Compares definitions with what is applied. Reads only.
    public func planApply(_ definitions: Definitions) throws(ParallaxError) -> ApplyPlan {
        let changes =
            try sourceChanges(definitions) + tableChanges(definitions) + viewChanges(definitions) + overlayChanges(definitions)
        return ApplyPlan(changes: changes, definitions: definitions, troubles: try dimensionTroubles())
    }

    /// Tables that a version of a view needs and cannot read; all versions of all views are looked at, served or waiting.
    public func dimensionTroubles() throws(ParallaxError) -> [DimensionTrouble] {
        var readers: [DimensionReader] = []
        for row in try connection.query(
            "SELECT w.name, v.plan FROM parallax.view w JOIN parallax.view_version v USING (view_id) ORDER BY v.version_id"
        ).rows {
            let stored = try row.text(1)
            guard let plan = try? decodeStored(Plan.self, stored) else { continue }
            readers.append(DimensionReader(view: try row.text(0), plan: plan))
        }
        return try dimensionTroubles(readers)
    }

    private func sourceChanges(_ definitions: Definitions) throws(ParallaxError) -> [ApplyPlan.Change] {
        var known: [String: SourceDefinition?] = [:]
        for row in try connection.query("SELECT name, definition FROM parallax.source").rows {
            let stored = try row.text(1)
            known[try row.text(0)] = .some(try? decodeStored(SourceDefinition.self, stored))
        }
        var changes: [ApplyPlan.Change] = []
        for source in definitions.sources {
            guard let stored = known.removeValue(forKey: source.name) else {
                changes.append(.init(.new, .source, source.name))
                continue
            }
            guard stored != source else {
                changes.append(.init(.unchanged, .source, source.name))
                continue
            }
            var change = ApplyPlan.Change(.changed, .source, source.name)
            change.isUnreadable = stored == nil
            if let stored { change.diff = LineDiff(from: stored.lines, to: source.lines) }
            if stored?.form != source.form { change.recomputes = source.name }
            changes.append(change)
        }
        for (name, stored) in known.sorted(by: { $0.key < $1.key }) {
            var change = ApplyPlan.Change(.dropped, .source, name)
            change.source = stored
            changes.append(change)
        }
        return changes
    }

    private func viewChanges(_ definitions: Definitions) throws(ParallaxError) -> [ApplyPlan.Change] {
        struct Applied {
            var hash: String
            var lines: [String]
            var maxDrift: Double?
            var served: String?
            var source: String
            var isUnreadable: Bool
            var isServedUnreadable: Bool
        }
        var known: [String: Applied] = [:]
        let rows = try connection.query(
            """
            SELECT w.name, v.hash, v.definition, v.select_text, w.max_drift, a.hash, s.name, v.plan, a.plan FROM parallax.view w
            JOIN parallax.source s USING (source_id)
            JOIN LATERAL (SELECT hash, definition, select_text, plan FROM parallax.view_version WHERE view_id = w.view_id
                          ORDER BY version_id DESC LIMIT 1) v ON true
            LEFT JOIN parallax.view_version a ON a.version_id = w.active_version_id
            """
        ).rows
        for row in rows {
            let isReadable = [row[7], row[8]].map { plan in plan.map { (try? decodeStored(Plan.self, $0)) != nil } ?? true }
            let selectText = try row.text(3)
            known[try row.text(0)] = try Applied(
                hash: row.text(1), lines: row[2].map(Self.lines) ?? NormalSQL.lines(of: selectText),
                maxDrift: row.optionalDouble(4), served: row[5], source: row.text(6),
                isUnreadable: isReadable.contains(false), isServedUnreadable: !isReadable[1])
        }
        var changes: [ApplyPlan.Change] = []
        for view in definitions.views {
            let source = view.plan.source.name
            guard let old = known.removeValue(forKey: view.name) else {
                var change = ApplyPlan.Change(.new, .view, view.name)
                change.recomputes = source
                changes.append(change)
                continue
            }
            let isSame = old.hash == view.version && old.source == source && !old.isUnreadable
            var change = ApplyPlan.Change(isSame && old.maxDrift == view.maxDrift ? .unchanged : .changed, .view, view.name)
            if change.action == .changed {
                change.diff = LineDiff(from: old.lines, to: Self.lines(view.definitionText))
                change.from = old.hash
                change.to = view.version
                change.isUnreadable = old.isUnreadable
                change.isServedUnreadable = old.isServedUnreadable
                change.isStepBack = !isSame && !old.isServedUnreadable && old.served == view.version
                if !isSame && !change.isStepBack { change.recomputes = source }
            }
            changes.append(change)
        }
        return changes + known.keys.sorted().map { .init(.dropped, .view, $0) }
    }

    private func overlayChanges(_ definitions: Definitions) throws(ParallaxError) -> [ApplyPlan.Change] {
        var known: [String: String] = [:]
        for row in try connection.query("SELECT name, select_text FROM parallax.overlay").rows { known[try row.text(0)] = try row.text(1) }
        var changes: [ApplyPlan.Change] = []
        for overlay in definitions.overlays {
            switch known.removeValue(forKey: overlay.name) {
            case nil: changes.append(.init(.new, .overlay, overlay.name))
            case overlay.selectText: changes.append(.init(.unchanged, .overlay, overlay.name))
            case let old?:
                var change = ApplyPlan.Change(.changed, .overlay, overlay.name)
                change.diff = LineDiff(from: NormalSQL.lines(of: old), to: NormalSQL.lines(of: overlay.selectText))
                changes.append(change)
            }
        }
        return changes + known.keys.sorted().map { .init(.dropped, .overlay, $0) }
    }

    private static func lines(_ text: String) -> [String] { text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) }
}

extension SourceDefinition {
    /// What it says, a line a column and a line an option, for people who compare it with another.
    fileprivate var lines: [String] {
        columns.map(\.line) + [
            "topic '\(topic)'", "event_id '\(columns[eventIDColumn].name)'", "event_time '\(columns[eventTimeColumn].name)'",
            "out_of_orderness '\(Self.words(outOfOrderness))'", "lateness '\(Self.words(lateness))'",
            "append_time '\(appendTime.rawValue)'",
        ]
    }

    /// In the largest unit that fits: `90 minutes`.
    private static func words(_ microseconds: Int64) -> String {
        let units: [(String, Int64)] = [
            ("day", 86_400_000_000), ("hour", 3_600_000_000), ("minute", 60_000_000), ("second", 1_000_000), ("millisecond", 1_000),
            ("microsecond", 1),
        ]
        for (name, length) in units where microseconds % length == 0 && (microseconds != 0 || name == "second") {
            let count = microseconds / length
            return counted(count, name)
        }
        return "\(microseconds) microseconds"
    }
}

extension SourceDefinition.Column {
    fileprivate var line: String {
        var line = "\(name) \(type.sqlName)"
        if let path { line += " path '\(path.joined(separator: "."))'" }
        if let format { line += " format '\(format.rawValue)'" }
        if let missingValue { line += " DEFAULT \(Self.text(missingValue))" }
        return isNotNull ? line + " NOT NULL" : line
    }

    /// Enough to see that it is another: instants are microseconds, dates are days.
    private static func text(_ literal: Literal) -> String {
        switch literal {
        case .null: "NULL"
        case .bool(let value): "\(value)"
        case .int(let value): "\(value)"
        case .decimal(let unscaled): unscaled
        case .float(let value): "\(value)"
        case .text(let text), .uuid(let text): "'\(text)'"
        default: "\(literal)"
        }
    }
}
