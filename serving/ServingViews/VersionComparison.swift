import Catalog
import ParallaxCore
import Postgres
import ViewLanguage

/// Two versions of one view, compared by their batch rows at the published run: both are exact there, and over the same records.
///
/// Two rows are a pair where their window and their group columns are equal; both versions must have these outputs under the same names. Where they
/// group by other columns there are no pairs, and whole rows are compared: each is in both versions, in the old one only, or in the new one only.
public struct VersionComparison: Sendable {
    public struct Column: Sendable, Hashable {
        public var name: String
        /// Rows in which the two versions have other values; nil where only one version has the column.
        public var differing: Int64?
        /// Sums over all rows, for numbers.
        public var oldTotal: String?
        public var newTotal: String?
        public var isOld: Bool
        public var isNew: Bool
    }
    /// A row that differs: values by column, in `columns`' order; nil on the side where the row is not.
    public struct Row: Sendable, Hashable {
        public var old: [String?]?
        public var new: [String?]?
    }

    public var view: String
    public var oldVersion: String
    public var newVersion: String
    public var run: RunNumber
    /// What rows are paired by; nil where they cannot be paired.
    public var keys: [String]?
    public var columns: [Column]
    public var oldRows: Int64 = 0
    public var newRows: Int64 = 0
    public var onlyOld: Int64 = 0
    public var onlyNew: Int64 = 0
    public var changed: Int64 = 0
    /// The first rows of each kind.
    public var onlyOldRows: [Row] = []
    public var onlyNewRows: [Row] = []
    public var changedRows: [Row] = []

    public var isSame: Bool { onlyOld + onlyNew + changed == 0 && columns.allSatisfy { $0.isOld && $0.isNew } }

    /// Compares in one transaction. Throws `.usage` where there is nothing to compare, `.busy` where the new version has no rows yet.
    /// - Parameter limit: how many rows of each kind are shown.
    public init(_ connection: Connection, view name: String, limit: Int) throws(ParallaxError) {
        self = try connection.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ") { () throws(ParallaxError) in
            let (source, served, newer) = try Catalog(connection).versions(ofView: name)
            guard let served, let newer else {
                throw ParallaxError(
                    .usage, "view \"\(name)\" has no second version",
                    hint: "change its definition, then parallax apply --hold and parallax batch run")
            }
            let run = source.published.run
            guard let first = newer.firstRun, first.rawValue <= run.rawValue else {
                throw ParallaxError(
                    .busy, "version \(newer.hash) of view \"\(name)\" has no rows yet: no run has computed it",
                    hint: newer.isHeld ? "parallax batch run" : "its first run will serve it; parallax apply --hold holds it",
                    isRetriable: false)
            }
            return try Self.compare(connection, view: name, served, newer, run: run, limit: limit)
        }
    }

    private init(view: String, oldVersion: String, newVersion: String, run: RunNumber, keys: [String]?, columns: [Column]) {
        self.view = view
        self.oldVersion = oldVersion
        self.newVersion = newVersion
        self.run = run
        self.keys = keys
        self.columns = columns
    }

    private static func compare(
        _ connection: Connection, view: String, _ old: ViewVersion, _ new: ViewVersion, run: RunNumber, limit: Int
    ) throws(ParallaxError) -> VersionComparison {
        let sql = VersionComparisonSQL(old: old, new: new, run: run.rawValue)
        for statement in sql.createRows { try connection.execute(statement) }
        let isNumber = (
            try numbers(connection, sql.oldTable, old.plan.outputs.count), try numbers(connection, sql.newTable, new.plan.outputs.count)
        )
        var comparison = VersionComparison(
            view: view, oldVersion: old.hash, newVersion: new.hash, run: run, keys: sql.keys, columns: [])
        let counts = try connection.query(sql.counts).rows[0]
        comparison.oldRows = try counts.int(0)
        comparison.newRows = try counts.int(1)
        comparison.onlyOld = try counts.int(2)
        comparison.onlyNew = try counts.int(3)
        comparison.changed = try counts.int(4)
        for (index, column) in sql.columns.enumerated() {
            var found = Column(name: column.name, isOld: column.old != nil, isNew: column.new != nil)
            if column.old != nil && column.new != nil { found.differing = try counts.int(5 + index) }
            if let place = column.old, isNumber.0[place] { found.oldTotal = try total(connection, sql.oldTable, place) }
            if let place = column.new, isNumber.1[place] { found.newTotal = try total(connection, sql.newTable, place) }
            comparison.columns.append(found)
        }
        func rows(_ condition: String) throws(ParallaxError) -> [Row] {
            let width = sql.columns.count
            return try connection.query(sql.sample(condition, limit: limit)).rows.map { row throws(ParallaxError) in
                let (isOld, isNew) = (try row.bool(0), try row.bool(1))
                return Row(old: isOld ? Array(row.values[2..<2 + width]) : nil, new: isNew ? Array(row.values[(2 + width)...]) : nil)
            }
        }
        comparison.onlyOldRows = try rows("n.k IS NULL")
        comparison.onlyNewRows = try rows("o.k IS NULL")
        comparison.changedRows = try rows("o.k IS NOT NULL AND n.k IS NOT NULL AND (\(sql.differs))")
        return comparison
    }

    /// Which outputs are numbers: PostgreSQL knows the types of expressions.
    private static func numbers(_ connection: Connection, _ table: String, _ count: Int) throws(ParallaxError) -> [Bool] {
        try connection.query("SELECT * FROM \(table) LIMIT 0").types.dropFirst().prefix(count).map {
            TypeID.numbers.contains($0)
        }
    }

    private static func total(_ connection: Connection, _ table: String, _ place: Int) throws(ParallaxError) -> String? {
        try connection.query("SELECT sum(c\(place)::numeric)::text FROM \(table)").rows[0][0]
    }
}
