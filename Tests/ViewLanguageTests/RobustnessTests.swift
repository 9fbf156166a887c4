import Testing

@testable import ViewLanguage

/// No text crashes or hangs the compiler; every limit is reached.
@Suite("Any text compiles or is refused")
struct RobustnessTests {
    private func diagnostics(_ text: String) -> [Diagnostic] { compile([eventSource, SQLFile(path: "views.sql", text: text)]).diagnostics }

    private func view(where condition: String) -> String { "CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM event WHERE \(condition)" }

    @Test("no text at all", arguments: ["", " \n\t", "-- nothing", "/* nothing */", ";;;", ";\n-- a\n;"])
    func empty(_ text: String) {
        let compilation = compile([SQLFile(path: "views.sql", text: text)])
        #expect(compilation.diagnostics.isEmpty)
        #expect(compilation.definitions == Definitions(sources: [], views: [], overlays: []))
    }

    @Test("bytes that are not UTF-8 have a place")
    func invalidBytes() {
        for (bytes, line, column) in [
            (Array("SELECT\n é".utf8) + [0xFF, 0x20], 2, 3), ([0xC3], 1, 1), (Array("é".utf8.dropLast()), 1, 1),
            ([0xED, 0xA0, 0x80], 1, 1),
            (Array("ok ".utf8) + [0xE2, 0x82], 1, 4), (Array("\u{FEFF}ok ".utf8) + [0xFF], 1, 4),
        ] {
            let compilation = compile([SQLFile(path: "views.sql", bytes: bytes)])
            #expect(compilation.diagnostics.map(\.message) == ["the file is not UTF-8 here"])
            #expect(compilation.diagnostics.map(\.line) == [line] && compilation.diagnostics.map(\.column) == [column])
        }
        #expect(compile([SQLFile(path: "a", bytes: Array("-- é \u{FFFD}".utf8))]).diagnostics.isEmpty)
    }

    @Test("a message is one line, whatever it quotes")
    func oneLine() {
        let message = diagnostics(view(where: "quantity = 'a\n\u{1B}[31m\(String(repeating: "x", count: 90_000))'")).first?.message
        #expect(message?.hasPrefix("invalid input syntax for type integer: \"a\u{FFFD}\u{FFFD}[31mxxx") == true)
        #expect(message?.unicodeScalars.count == 501)
    }

    @Test("a byte order mark is passed over")
    func byteOrderMark() {
        #expect(diagnostics("\u{FEFF}CREATE VIEW v AS SELECT 1").isEmpty)
        #expect(diagnostics("\u{FEFF}DROP").map(\.column) == [5])
    }

    @Test("a NUL has a place")
    func nul() {
        let diagnostics = diagnostics("CREATE VIEW v AS\nSELECT '\0'")
        #expect(diagnostics.map(\.message) == ["the file holds a NUL character"])
        #expect(diagnostics.map(\.line) == [2] && diagnostics.map(\.column) == [9])
    }

    @Test("places count characters, whatever the line ends")
    func lineEnds() {
        let diagnostics = diagnostics("-- größe\r\nCREATE MATERIALIZED VIEW v AS SELECT 'ü' = pge AS x\r\nFROM event GROUP BY 1\r\n")
        #expect(diagnostics.map(\.line) == [2] && diagnostics.map(\.column) == [44])
        #expect(diagnostics.first?.sourceLine == "CREATE MATERIALIZED VIEW v AS SELECT 'ü' = pge AS x")
    }

    @Test(
        "nesting beyond the limits is refused in its own words",
        arguments: [
            ("1" + String(repeating: "+1", count: 20_000) + " > 0", "nested too deeply"),
            (String(repeating: "(", count: 15_000) + "ok" + String(repeating: ")", count: 15_000), "memory exhausted"),
            (String(repeating: "NOT ", count: 5_000) + "ok", "nested too deeply"),
            ("quantity" + String(repeating: "::int4", count: 9_000) + " > 0", "nested too deeply"),
            ("ok" + String(repeating: " IS TRUE", count: 300), "nested too deeply"),
            (String(repeating: "coalesce(", count: 300) + "ok" + String(repeating: ")", count: 300), "nested too deeply"),
            (String(repeating: "- ", count: 300) + "quantity > 0", "nested too deeply"),
        ])
    func depth(_ condition: String, _ words: String) {
        let messages = diagnostics(view(where: condition)).map(\.message)
        #expect(messages.count == 1 && messages.allSatisfy { $0.contains(words) }, "\(messages.map { $0.prefix(200) })")
    }

    @Test("the deepest expression that is taken survives JSON")
    func deepest() throws {
        let terms = LanguageLimits.expressionDepth - 3
        let deep = try plan("SELECT count(*) FROM event WHERE \(String(repeating: "NOT ", count: terms))(ok IS TRUE)")
        #expect(deep.filter?.depth == terms + 2)
        #expect(try JSON.roundTrip(deep) == deep)
        let wide = "quantity = 1" + String(repeating: " AND (quantity = 2 OR ok)", count: 2_000)
        #expect(try plan("SELECT count(*) FROM event WHERE \(wide)").filter?.depth == 4)
    }

    @Test("an overlay may be as deep as its text is long")
    func deepOverlay() {
        let sql = "CREATE VIEW o AS SELECT 1\(String(repeating: "+1", count: 45_000)) AS n FROM seen"
        #expect(compile([eventSource, SQLFile(path: "o.sql", text: sql)]).definitions?.overlays.first?.reads == ["seen"])
    }

    @Test("sizes")
    func sizes() {
        let long = "CREATE VIEW v AS SELECT '\(String(repeating: "x", count: LanguageLimits.bytesPerStatement))'"
        #expect(diagnostics(long).map(\.hint) == ["at most 100000 bytes are taken"])
        #expect(diagnostics(String(repeating: " ", count: LanguageLimits.bytesPerFile + 1)).map(\.line) == [1])
        let many = diagnostics(String(repeating: "x;", count: 5_000))
        #expect(many.count == LanguageLimits.diagnostics)
        #expect(many.contains { $0.hint?.contains("the rest is not shown") == true })
    }

    @Test("widths of sources and views")
    func widths() {
        let columns = (0...LanguageLimits.columnsPerSource).map { ", c\($0) int" }.joined()
        let source =
            "CREATE FOREIGN TABLE s (id uuid, at timestamptz\(columns)) SERVER parallax OPTIONS (event_id 'id', event_time 'at')"
        #expect(diagnostics(source).map(\.hint) == ["at most 1000 columns are taken"])
        let keys = (0...LanguageLimits.groupColumns).map { "quantity + \($0)" }.joined(separator: ", ")
        #expect(
            diagnostics("CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM event GROUP BY \(keys)").map(\.hint)
                == ["at most 30 group columns are taken"])
        let sums = (0...LanguageLimits.measures).map { "sum(quantity + \($0)) AS s\($0)" }.joined(separator: ", ")
        #expect(diagnostics("CREATE MATERIALIZED VIEW v AS SELECT \(sums) FROM event").map(\.hint) == ["at most 390 aggregates are taken"])
    }

    @Test("many compilations at once leave standard error alone and agree")
    func concurrent() async {
        let text = sampleSource + sampleView
        let expected = compile([SQLFile(path: "views.sql", text: text)])
        await withTaskGroup(of: Compilation.self) { group in
            for _ in 0..<16 { group.addTask { compile([SQLFile(path: "views.sql", text: text)]) } }
            for await compilation in group { #expect(compilation == expected) }
        }
    }
}
