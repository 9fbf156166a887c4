import ParallaxCore
import Postgres
import TestSupport

/// PostgreSQL's answers about a case: the view's own SELECT over the events that no expression of the view raises an error for, and, as the
/// speed layer is allowed to leave late events to the next run, over those that are visible at a moment.
struct GeneratedJudge {
    let oracle: Oracle
    let schema: GeneratedSchema

    struct Rows {
        /// By the view's key columns.
        var byKey: [[String?]: [[String?]]] = [:]
        var count = 0
    }

    /// - Parameters:
    ///   - oracle: loaded and parsed.
    ///   - cut: what the published run contains; late records at or above it are not visible yet.
    init(_ oracle: Oracle, _ schema: GeneratedSchema) throws {
        self.oracle = oracle
        self.schema = schema
        let id = schema.id.quoted
        let time = schema.time.quoted
        try oracle.execute(lateness)
        try oracle.execute(
            """
            SET TimeZone = 'UTC';
            CREATE TABLE flat AS
            SELECT row_number() OVER () AS __n, d.*
            FROM (SELECT DISTINCT ON (\(id), \(time)) * FROM (
                SELECT l.partition AS __partition, l.record_offset AS __offset, l.late AS __late, (p.e).*
                FROM parsed p JOIN late_events() l USING (partition, record_offset)) r
                ORDER BY \(id), \(time), __partition, __offset) d;
            ALTER TABLE flat ADD PRIMARY KEY (__n);
            ANALYZE flat;
            """)
    }

    /// The slow twin of the speed layer's watermark, a partition at a time, event by event: which events are late. Records are appended at one moment.
    ///
    ///     an event counts as its time, at most as the append time, and not at all where it is more than an hour ahead of that
    ///     beyond `newest + lateness` it is a jump: it counts at once in the live part of a log, else when a second one follows
    private var lateness: String {
        """
        CREATE FUNCTION late_events() RETURNS TABLE (partition integer, record_offset bigint, late boolean) LANGUAGE plpgsql AS $late$
        DECLARE
            r record;
            clock timestamptz := '2026-01-01 00:00:00+00';
            reach interval := '\(schema.outOfOrderness + schema.lateness) seconds';
            allowed interval := '\(schema.lateness) seconds';
            current integer := -1;
            newest timestamptz;
            leader timestamptz;
            reads_history boolean;
            vouched timestamptz;
            is_live boolean;
        BEGIN
            FOR r IN SELECT p.partition AS p, p.record_offset AS o, (p.e).\(schema.time.quoted) AS t,
                            row_number() OVER (PARTITION BY p.partition, (p.e).\(schema.id.quoted), (p.e).\(schema.time.quoted)
                                               ORDER BY p.record_offset) > 1 AS is_copy
                     FROM parsed p WHERE (p.e).\(schema.id.quoted) IS NOT NULL ORDER BY 1, 2
            LOOP
                IF r.p <> current THEN
                    current := r.p; newest := NULL; leader := NULL; reads_history := false;
                END IF;
                partition := r.p; record_offset := r.o;
                late := NOT r.is_copy AND coalesce(r.t < newest - reach, false);
                RETURN NEXT;
                CONTINUE WHEN r.is_copy OR late OR r.t > clock + interval '1 hour';
                vouched := least(r.t, clock);
                is_live := vouched + reach >= clock;
                IF vouched <= newest + allowed THEN
                    newest := greatest(newest, vouched);
                    IF r.t <= clock THEN leader := NULL; END IF;
                ELSIF is_live AND NOT reads_history AND newest IS NOT NULL THEN
                    newest := vouched; leader := NULL;
                ELSIF leader IS NULL THEN
                    leader := vouched;
                ELSE
                    newest := least(leader, vouched);
                    leader := CASE WHEN vouched > newest + allowed THEN vouched END;
                END IF;
                reads_history := NOT is_live;
            END LOOP;
        END $late$;
        """
    }

    /// Finds the events that the view can take; call before `rows`.
    func prepare(_ view: GeneratedView) throws {
        let table = Connection.quoteIdentifier(schema.source)
        // OFFSET keeps PostgreSQL from evaluating the view's filter over other rows.
        let row = "(SELECT * FROM flat WHERE __n = wanted OFFSET 0) AS \(table)"
        let filter = view.filter.map { "WHERE (\($0)) IS TRUE" } ?? ""
        let evaluated = view.evaluated.isEmpty ? "1" : view.evaluated.map { "(\($0)) IS NULL" }.joined(separator: ", ")
        try oracle.execute(
            """
            CREATE FUNCTION takes_\(view.name)(wanted bigint) RETURNS boolean LANGUAGE plpgsql STABLE AS $takes$
            BEGIN
                PERFORM \(evaluated) FROM \(row)\(view.join ?? "") \(filter);
                RETURN true;
            EXCEPTION WHEN OTHERS THEN RETURN false;
            END $takes$;
            CREATE TABLE taken_\(view.name) AS SELECT * FROM flat WHERE takes_\(view.name)(__n);
            ANALYZE taken_\(view.name);
            """)
    }

    func taken(_ view: GeneratedView) throws -> (Int, of: Int) {
        let row = try oracle.query("SELECT (SELECT count(*) FROM taken_\(view.name)), (SELECT count(*) FROM flat)").rows[0]
        return (Int(try row.int(0)), of: Int(try row.int(1)))
    }

    /// - Parameter cut: of the published run. Nil: a run has seen everything, so late events are in.
    func rows(_ view: GeneratedView, cut: Cut?, withBounds: Bool) throws -> Rows {
        var visible = "true"
        if let cut {
            let boundaries = cut.partitions.map { "(__partition = \($0) AND __offset < \(cut[$0]))" }.joined(separator: " OR ")
            visible = "(NOT __late OR \(boundaries.isEmpty ? "false" : boundaries))"
        }
        let result = try oracle.query(
            view.oracle(
                from: "(SELECT * FROM taken_\(view.name) WHERE \(visible))", as: Connection.quoteIdentifier(schema.source),
                time: schema.time.quoted,
                withBounds: withBounds))
        return Self.byKey(result, view)
    }

    static func byKey(_ result: QueryResult, _ view: GeneratedView) -> Rows {
        var rows = Rows()
        for row in result.rows {
            let key = zip(row.values, view.items.prefix(view.keyCount)).map { value, item in
                // Which of two equal values a group shows is PostgreSQL's own affair.
                value == "-0" ? "0" : item.hasVaryingScale ? value.map(GeneratedTrial.withoutTrailingZeros) : value
            }
            rows.byKey[key, default: []].append(row.values)
            rows.count += 1
        }
        return rows
    }
}
