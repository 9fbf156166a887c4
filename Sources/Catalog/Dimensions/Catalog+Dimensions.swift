import ParallaxCore
import Postgres
import ViewLanguage

/// Which table, how many transactions have changed it, and what it is made of: equal versions have equal rows.
public struct DimensionVersion: Hashable, Sendable {
    public var id: DimensionID
    public var generation: Int64
    /// See `Catalog.shape`; empty where nobody has looked.
    public var shape: String
    public init(id: DimensionID, generation: Int64, shape: String) {
        self.id = id
        self.generation = generation
        self.shape = shape
    }
}

/// A table of the pipeline as the catalog knows it.
public struct CatalogDimension: Sendable {
    public var version: DimensionVersion
    public var definition: DimensionDefinition
    /// No definition names it any more; an older version of a view still reads it.
    public var isLeaving: Bool
    /// False where its trigger is gone or the table is another one: writes to it would not be seen.
    public var isWatched: Bool
    /// What the speed layer has in memory; nil before it first read the table.
    public var loaded: Loaded?
    /// Why the speed layer could not read it; nothing is read from the source's log meanwhile.
    public var problem: String?
    public var name: String { definition.name }

    public struct Loaded: Sendable {
        public var generation: Int64
        public var rows: Int64
        public var bytes: Int64
        public var at: Instant
    }
}

extension Catalog {
    static let dimensionTrigger = "parallax_dimension"

    /// By name.
    public func dimensions() throws(ParallaxError) -> [CatalogDimension] {
        let rows = try connection.query(
            """
            SELECT d.dimension_id, g.generation, d.definition, d.is_leaving, \(Self.isWatched("d")), d.loaded_generation, d.loaded_rows,
                   d.loaded_bytes, \(Self.micros("d.loaded_at")), d.problem, d.name, d.schema_name, d.is_owned, \(Self.shape("d"))
            FROM parallax.dimension d JOIN parallax.dimension_generation g USING (dimension_id) ORDER BY d.name
            """
        ).rows
        var dimensions: [CatalogDimension] = []
        for row in rows {
            var loaded: CatalogDimension.Loaded?
            // All four are written together.
            if let generation = try row.optionalInt(5) {
                loaded = try .init(generation: generation, rows: row.int(6), bytes: row.int(7), at: row.instant(8))
            }
            // What another version of Parallax wrote is a declaration that the next apply takes for a changed one.
            let text = try row.text(2)
            var definition = try DimensionDefinition(
                name: row.text(10), schema: row.text(11), isOwned: row.bool(12), columns: [], primaryKey: nil, uniqueKeys: [])
            if let stored = try? decodeStored(DimensionDefinition.self, text) { definition = stored }
            dimensions.append(
                try CatalogDimension(
                    version: DimensionVersion(id: row.dimension(0), generation: row.int(1), shape: row.text(13)), definition: definition,
                    isLeaving: row.bool(3), isWatched: row.bool(4), loaded: loaded, problem: row[9]))
        }
        return dimensions
    }

    /// The versions of some tables as they are now. Throws `.definition` where one is not there, or its writes go unseen.
    public func dimensionVersions(_ names: [String]) throws(ParallaxError) -> [String: DimensionVersion] {
        guard !names.isEmpty else { return [:] }
        let rows = try connection.query(
            """
            SELECT d.name, d.dimension_id, g.generation, \(Self.isWatched("d")), \(Self.shape("d"))
            FROM parallax.dimension d JOIN parallax.dimension_generation g USING (dimension_id) WHERE d.name = ANY ($1::text[])
            """, [.texts(names)]
        ).rows
        var versions: [String: DimensionVersion] = [:]
        for row in rows {
            let name = try row.text(0)
            guard try row.bool(3) else {
                throw ParallaxError(
                    .definition,
                    "table \"\(name)\" was dropped, made anew, or lost its trigger \(Self.dimensionTrigger): its changes would not be seen",
                    hint: "run parallax apply", isRetriable: true)
            }
            versions[name] = try DimensionVersion(id: row.dimension(1), generation: row.int(2), shape: row.text(4))
        }
        if let missing = names.first(where: { versions[$0] == nil }) {
            throw ParallaxError(
                .definition, "table \"\(missing)\" is not in the catalog any more", hint: "run parallax apply", isRetriable: true)
        }
        return versions
    }

    static func isWatched(_ dimension: String) -> String {
        """
        EXISTS (SELECT FROM pg_catalog.pg_trigger t
                WHERE t.tgrelid = to_regclass(format('%I.%I', \(dimension).schema_name, \(dimension).name))
                AND t.tgname = '\(dimensionTrigger)' AND t.tgenabled IN ('O', 'A')
                AND encode(t.tgargs, 'escape') = \(dimension).dimension_id || '\\000')
        """
    }

    /// What changes with every statement that changes a table's rows, or which of them a column's name stands for, and fires no row or statement
    /// trigger: rewrites (`ALTER … TYPE … USING`), renamed, swapped, dropped and added columns, another table of the same name, and writes while the
    /// trigger was disabled (whoever enables it again writes its row). Some change no value (VACUUM FULL, CLUSTER): then a table is read once more.
    ///
    /// As the catalog of the statement's snapshot has it: with a lock on the table that is older than the snapshot, what its rows are read under.
    static func shape(_ dimension: String) -> String {
        """
        coalesce((SELECT md5(concat_ws(' ', c.oid, c.relfilenode, t.oid, t.xmin, (
                    SELECT string_agg(format('%I %s %s %s %s', a.attname, a.attnum, a.atttypid, a.atttypmod, a.attcollation), ',' ORDER BY a.attnum)
                    FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attname IN (
                        SELECT l #>> '{}' FROM jsonb_path_query(\(dimension).definition, '$.columns[*].name') l))))
         FROM pg_catalog.pg_class c
         LEFT JOIN pg_catalog.pg_trigger t ON t.tgrelid = c.oid AND t.tgname = '\(dimensionTrigger)'
         WHERE c.oid = to_regclass(format('%I.%I', \(dimension).schema_name, \(dimension).name))), '')
        """
    }

    /// Says what the speed layer has in memory, and folds the rows that count changes.
    public func recordLoaded(_ snapshot: DimensionSnapshot) throws(ParallaxError) {
        for table in snapshot.tables {
            guard let version = snapshot.versions[table.name] else { continue }
            try connection.query(
                """
                UPDATE parallax.dimension SET loaded_generation = $2, loaded_rows = $3, loaded_bytes = $4, loaded_at = clock_timestamp(),
                    problem = NULL
                WHERE dimension_id = $1
                """, [.dimension(version.id), .int(version.generation), .int(Int64(table.rowCount)), .int(Int64(table.bytes))])
            try connection.query(
                """
                WITH folded AS (DELETE FROM parallax.dimension_change WHERE dimension_id = $1 RETURNING 1)
                UPDATE parallax.dimension SET changes = changes + (SELECT count(*) FROM folded)
                WHERE dimension_id = $1 AND EXISTS (SELECT FROM folded)
                """, [.dimension(version.id)])
        }
    }

    /// Folds the rows that count changes, of all tables: also of those that no speed worker reads.
    func foldDimensionChanges() throws(ParallaxError) {
        try connection.query(
            """
            WITH folded AS (DELETE FROM parallax.dimension_change RETURNING dimension_id),
                 counted AS (SELECT dimension_id, count(*) AS changes FROM folded GROUP BY dimension_id)
            UPDATE parallax.dimension d SET changes = d.changes + c.changes FROM counted c WHERE c.dimension_id = d.dimension_id
            """)
    }

    public func recordDimensionProblem(_ names: [String], _ problem: String) throws(ParallaxError) {
        try connection.query(
            "UPDATE parallax.dimension SET problem = $2 WHERE name = ANY ($1::text[]) AND problem IS DISTINCT FROM $2",
            [.texts(names), .text(problem)])
    }

    /// Which versions the base publication's rows were computed with.
    public func dimensionVersions(of run: RunNumber) throws(ParallaxError) -> Set<DimensionVersion> {
        // A shape that is not known is none that a table has now.
        Set(
            try connection.query(
                "SELECT dimension_id, generation, coalesce(shape, '') FROM parallax.run_dimension WHERE run_id = $1", [.int(run.rawValue)]
            ).rows.map { row throws(ParallaxError) in try DimensionVersion(id: row.dimension(0), generation: row.int(1), shape: row.text(2))
            })
    }

    /// Inside the transaction that stages the run's rows.
    public func recordDimensions(_ snapshot: DimensionSnapshot, of run: RunNumber) throws(ParallaxError) {
        for table in snapshot.tables {
            guard let version = snapshot.versions[table.name] else { continue }
            try connection.query(
                """
                INSERT INTO parallax.run_dimension (run_id, dimension_id, generation, row_count, shape) VALUES ($1, $2, $3, $4, $5)
                """,
                [.int(run.rawValue), .dimension(version.id), .int(version.generation), .int(Int64(table.rowCount)), .text(version.shape)])
        }
    }
}
