import ParallaxCore

/// All files together: first the names, then the sources and tables, then what reads them.
struct PipelineCompiler {
    private let collector = DiagnosticCollector()
    private var relations = Relations()

    mutating func compile(_ files: [SQLFile]) -> Compilation {
        for file in files where !collector.isFull { declare(file) }
        for declaration in relations.order where declaration.kind == .source {
            var compiler = SourceCompiler(declaration, reportingTo: collector)
            relations.add(compiler.compile())
        }
        for declaration in relations.order where declaration.kind == .dimension {
            var compiler = DimensionCompiler(declaration, reportingTo: collector)
            relations.add(compiler.compile())
        }
        let sources = self.sources()
        let dimensions = relations.order.filter { $0.kind == .dimension }.compactMap { relations.dimensions[$0.name]?.definition }
        var views: [ViewDefinition] = []
        for declaration in relations.order where declaration.kind == .view {
            let compiler = ViewCompiler(declaration, relations: relations, reportingTo: collector)
            if let view = compiler.compile() { views.append(view) }
        }
        let overlays = self.overlays(over: views)
        checkFollowers(of: views)
        let place = Dictionary(files.enumerated().map { ($0.element.path, $0.offset) }) { first, _ in first }
        let diagnostics = collector.diagnostics.sorted {
            (place[$0.file] ?? 0, $0.line, $0.column, $0.message) < (place[$1.file] ?? 0, $1.line, $1.column, $1.message)
        }
        guard !collector.hasErrors else { return Compilation(definitions: nil, diagnostics: diagnostics) }
        return Compilation(
            definitions: Definitions(sources: sources, dimensions: dimensions, views: views, overlays: overlays), diagnostics: diagnostics)
    }

    private mutating func declare(_ file: SQLFile) {
        let source = SourceText(file)
        do { try checkText(file, source) } catch {
            collector.report(error, in: source)
            return
        }
        for statement in Statement.all(in: source) {
            guard !collector.isFull else { return }
            do { try relations.declare(try Declaration.reading(statement)) } catch {
                relations.noteUnreadable(statement)
                collector.report(error, in: source)
            }
        }
    }

    private func checkText(_ file: SQLFile, _ source: SourceText) throws(Refusal) {
        guard source.bytes.count <= LanguageLimits.bytesPerFile else {
            throw Refusal(
                0, "a definitions file of \(source.bytes.count) bytes is too long",
                hint: "at most \(LanguageLimits.bytesPerFile) bytes are taken")
        }
        if let offset = file.firstInvalidByte {
            throw Refusal(offset - source.bytesBefore, "the file is not UTF-8 here", hint: "save it as UTF-8")
        }
        if let offset = source.bytes.firstIndex(of: 0) { throw Refusal(offset, "the file holds a NUL character", hint: "remove it") }
    }

    /// The sound sources. Two with one topic are refused: each would take the other's events for its own.
    private func sources() -> [SourceDefinition] {
        var sources: [SourceDefinition] = []
        for declaration in relations.order where declaration.kind == .source {
            guard let source = try? relations.source(declaration.name, at: 0).definition else { continue }
            if let other = sources.first(where: { $0.topic == source.topic }) {
                collector.report(
                    Refusal(
                        declaration.nameOffset, "topic \"\(source.topic)\" belongs to the source \"\(other.name)\" already",
                        hint: "two views may read one source; or give this one a topic of its own"),
                    in: declaration.statement.source)
            }
            sources.append(source)
        }
        return sources
    }

    /// Each view has another one beside it, which its changes are read from.
    private func checkFollowers(of views: [ViewDefinition]) {
        for view in views {
            guard let declaration = relations.declarations[view.changesName], declaration.kind == .view || declaration.kind == .overlay
            else { continue }
            collector.report(
                Refusal(
                    declaration.nameOffset, "the name \"\(view.changesName)\" belongs to the changes of view \"\(view.name)\"",
                    hint: "every view has a relation of that name beside it, which programs follow it by; give this one another name"),
                in: declaration.statement.source)
        }
    }

    private func overlays(over views: [ViewDefinition]) -> [OverlayDefinition] {
        var overlays: [OverlayDefinition] = []
        let columns = Dictionary(views.map { ($0.name, $0.servedColumns) }) { first, _ in first }
        for declaration in relations.order where declaration.kind == .overlay {
            do {
                overlays.append(try OverlayCompiler(declaration: declaration, relations: relations, columnsByView: columns).compile())
            } catch {
                collector.report(error, in: declaration.statement.source)
            }
        }
        let order = OverlayOrder(overlays)
        if let name = order.inCycle.first, let declaration = relations.declarations[name] {
            let names = order.inCycle.map { "\"\($0)\"" }.joined(separator: ", ")
            collector.report(
                Refusal(
                    declaration.nameOffset, "views that read one another in a circle: \(names)",
                    hint: "each view may read only views that do not read it"),
                in: declaration.statement.source)
        }
        return order.sorted
    }
}
