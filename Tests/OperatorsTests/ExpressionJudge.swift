import Columns
import ParallaxCore
import Postgres
import TestSupport
import ViewLanguage

@testable import Operators

/// Evaluates expressions over random events here and in PostgreSQL, row by row.
struct ExpressionJudge {
    struct Result {
        var compiled = 0
        var errors = 0
        var differences: [String] = []
    }

    let batch: RecordBatch
    let judge: Judge
    let seed: UInt64
    private let source: SourceDefinition
    private let compile: ([String]) -> [Expression?]

    init(seed: UInt64, rows: Int = 40) throws { try self.init(seed: seed, source: everyType, batch: randomEvents(rows, seed: seed)) }

    /// Over another source; `compile` knows its columns.
    init(
        seed: UInt64, source: SourceDefinition, batch: RecordBatch,
        compile: @escaping ([String]) -> [Expression?] = { compileExpressions($0) }
    ) throws {
        self.seed = seed
        self.batch = batch
        self.source = source
        self.compile = compile
        judge = try Judge(batch, source: source)
        try judge.connection.execute(Self.script)
    }

    func judge(_ expressions: [String]) throws -> Result {
        let events = EventDecoder(source).decode(batch)
        var result = Result()
        for (sql, compiled) in zip(expressions, compile(expressions)) {
            // What the dialect refuses (a numeric of more than 38 digits) is not ours to judge.
            guard let expression = compiled else { continue }
            result.compiled += 1
            let ours = evaluate(expression, events)
            let theirs = try judge.connection.query("SELECT value FROM try_all($1) ORDER BY n", [.text(sql)]).rows.map { $0[0] }
            result.errors += theirs.count { $0?.hasPrefix("ERROR: ") == true }
            for row in ours.indices where !isSame(ours[row], theirs[row], expression.type) {
                let payload = batch.payloads.string(row)
                result.differences.append("\(sql)\n  row \(row) \(payload)\n  ours \(ours[row] ?? "null") theirs \(theirs[row] ?? "null")")
                break
            }
        }
        return result
    }

    private static let script = """
        CREATE TABLE numbered AS SELECT record_offset AS n, (e).* FROM parsed;
        CREATE FUNCTION try_all(expression text) RETURNS TABLE (n bigint, value text) LANGUAGE plpgsql AS $$
        BEGIN
            FOR n IN SELECT t.n FROM numbered t LOOP
                BEGIN
                    EXECUTE 'SELECT (' || expression || ')::text FROM numbered WHERE n = $1' INTO value USING n;
                EXCEPTION WHEN OTHERS THEN value := 'ERROR: ' || SQLERRM;
                END;
                RETURN NEXT;
            END LOOP;
        END $$
        """

    private func isSame(_ ours: String?, _ theirs: String?, _ type: ScalarType) -> Bool {
        if ours == theirs { return true }
        // Ours have at most 38 digits.
        if let ours, ours.hasPrefix("ERROR: numeric field overflow"), ours.contains("38 digits") { return true }
        guard let ours, let theirs else { return false }
        return theirs == "ERROR: numeric field overflow" && ours.hasPrefix(theirs)
    }

    private func evaluate(_ expression: Expression, _ events: EventBatch) -> [String?] {
        var evaluator = Evaluator(events)
        let rows = Array(0..<Int32(events.count))
        // By way of a cast to text, which is PostgreSQL's output function.
        let vector = evaluator.evaluate(.cast(expression, to: .text), rows).spread(rows.count)
        guard case .text(let texts) = vector.values else { preconditionFailure("a cast to text gave \(vector.type)") }
        return rows.map { row in
            if let message = evaluator.errors.messages[row] { return "ERROR: \(message)" }
            return vector.isNull(Int(row))
                ? nil : String(decoding: texts.bytes[texts.starts[Int(row)]..<texts.ends[Int(row)]], as: UTF8.self)
        }
    }
}
