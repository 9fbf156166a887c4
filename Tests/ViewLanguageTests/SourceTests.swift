import Columns
import Testing

@testable import ViewLanguage

@Suite("CREATE FOREIGN TABLE compiles to a source")
struct SourceTests {
    private func source(_ sql: String) throws -> SourceDefinition {
        let compilation = compile([SQLFile(path: "source.sql", text: sql)])
        return try #require(
            compilation.definitions?.sources.first, "\(compilation.diagnostics.map(\.rendered).joined(separator: "\n"))")
    }

    @Test("every type, under all its names")
    func types() throws {
        let source = try source(
            """
            CREATE FOREIGN TABLE s (
              a text, b int, c integer, d int4, e bigint, f int8, g numeric(38), h numeric(18,2), i decimal(5,5),
              j double precision, k float8, l boolean, m bool, n timestamptz, o timestamp with time zone, p uuid, q float NULL
            ) SERVER parallax OPTIONS (event_id 'p', event_time 'n')
            """)
        #expect(
            source.columns.map(\.type) == [
                .text, .int4, .int4, .int4, .int8, .int8, .numeric(precision: 38, scale: 0), .numeric(precision: 18, scale: 2),
                .numeric(precision: 5, scale: 5), .float8, .float8, .bool, .bool, .timestamptz, .timestamptz, .uuid, .float8,
            ])
        #expect(source.eventIDColumn == 15 && source.eventTimeColumn == 13)
    }

    @Test("defaults: the topic is the table's name, five seconds, one hour")
    func defaults() throws {
        let source = try source(
            "CREATE FOREIGN TABLE \"Web.Log-1\" (id bigint NOT NULL, \"At\" timestamptz) SERVER parallax OPTIONS (event_id 'id', event_time 'At')"
        )
        #expect(source.name == "Web.Log-1" && source.topic == "Web.Log-1")
        #expect(source.outOfOrderness == 5_000_000 && source.lateness == 3_600_000_000)
        #expect(source.columns.map(\.isNotNull) == [true, false])
    }

    @Test("a column's path, default and format")
    func columnOptions() throws {
        let source = try source(
            #"""
            CREATE FOREIGN TABLE s (
              id text OPTIONS (path 'meta.id'), at timestamptz OPTIONS (path '"meta.v1"."the ""time"""', format 'epoch_milliseconds'),
              city text OPTIONS (path 'user.address.city') NOT NULL DEFAULT 'nowhere', own int OPTIONS (path 'own') DEFAULT -5,
              price numeric(6,2) DEFAULT 1.555, ratio double precision DEFAULT 3, day date DEFAULT '1970-01-02', none int DEFAULT NULL,
              flag boolean DEFAULT true, key uuid DEFAULT 'A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11', least numeric(4,1) DEFAULT '-7.25'
            ) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
            """#)
        #expect(
            source.columns.map(\.path) == [["meta", "id"], ["meta.v1", "the \"time\""], ["user", "address", "city"]]
                + .init(repeating: nil, count: 8))
        #expect(source.columns[1].format == .epochMilliseconds)
        #expect(
            source.columns[2...].map(\.missingValue) == [
                .text("nowhere"), .int(-5), .decimal("156"), .float(3), .int(1), nil, .bool(true),
                .uuid("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), .decimal("-73"),
            ])
        #expect(source.columns[2].isNotNull)
    }

    /// As PostgreSQL 15 answers for a column with the default.
    @Test("a default is assigned")
    func assignedDefaults() throws {
        let source = try source(
            """
            CREATE FOREIGN TABLE s (
              id text, at timestamptz, a int DEFAULT 1.5, b int DEFAULT 2.5, c int DEFAULT -1.5, d smallint DEFAULT 0.49, e bigint DEFAULT 1e3,
              f int DEFAULT 2.5::double precision, g text DEFAULT 5, h text DEFAULT 1.50, i varchar(4) DEFAULT true, j char(3) DEFAULT 12,
              k numeric DEFAULT 7, l real DEFAULT 1.5, m text DEFAULT -0.005
            ) SERVER parallax OPTIONS (event_id 'id', event_time 'at')
            """)
        #expect(
            source.columns[2...].map(\.missingValue) == [
                .int(2), .int(3), .int(-2), .int(0), .int(1_000), .int(2), .text("5"), .text("1.50"), .text("true"), .text("12"),
                .text("7"), .float(1.5),
                .text("-0.005"),
            ])
    }

    @Test("options")
    func options() throws {
        let source = try source(
            """
            CREATE FOREIGN TABLE s (id text, at timestamptz) SERVER parallax
            OPTIONS (lateness '1 day 02:00', out_of_orderness '250 ms', topic 'raw.s', event_time 'at', event_id 'id')
            """)
        #expect(source.topic == "raw.s" && source.outOfOrderness == 250_000 && source.lateness == 93_600_000_000)
    }
}
