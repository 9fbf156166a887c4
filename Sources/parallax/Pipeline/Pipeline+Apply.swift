import Catalog
import ParallaxCore
import Postgres
import PrivatePostgres
import ServingViews
import ViewLanguage

extension Pipeline {
    func checkServer(_ connection: Connection) throws(ParallaxError) { try PrivatePostgres.checkServer(connection, extensions: []) }

    /// One transaction. An overlay that PostgreSQL does not take fails all of it, with PostgreSQL's words.
    func apply(_ definitions: Definitions, _ connection: Connection, holding: Bool = false) throws(ParallaxError) {
        let (partitions, troubles) = try partitionCounts(definitions.sources)
        let catalog = Catalog(connection, patience: .onTerminal)
        let left = try catalog.apply(definitions, partitions: partitions, holding: holding) { connection throws(ParallaxError) in
            try Self.refreshServing(connection) { refusal in place(of: refusal, definitions) }
        }
        for line in left { Terminal.note("note: \(line)") }
        for difference in try catalog.timeZoneDifferences(definitions.views.map(\.plan)) { Terminal.note("warning: \(difference.text)") }
        for (source, error) in troubles {
            Terminal.note("warning: source \(source) waits for its log, and goes on by itself when it can be read: \(error)")
        }
        // The preview said so, and who agreed to it agreed to this. Cut off before it is done, the source stands still and names the command.
        for source in try catalog.movedSources() { try adopter.adopt(try adopter.plan(source, catalog), catalog) }
        for source in try catalog.sources() where !troubles.contains(where: { $0.source == source.name }) { try bindNew(source, catalog) }
    }

    /// A source of a new database takes what its archive says of its log. Another log than its own is for status to say: the others go on.
    private func bindNew(_ source: CatalogSource, _ catalog: Catalog) throws(ParallaxError) {
        guard try catalog.binding(source: source.id) == nil else { return }
        do { _ = try bind(source, catalog, try openLog(source.definition)) } catch {
            guard [.anotherLog, .missing, .unavailable].contains(error.code) else { throw error }
            Terminal.note("note: source \(source.name): \(error.message)")
        }
    }

    /// Writes the merged views; throws where PostgreSQL does not take a definition that stands on them.
    ///
    /// - Parameter place: the file's line that PostgreSQL means, with the message, where that is known.
    static func refreshServing(
        _ connection: Connection, place: (ServingViews.Refusal) -> String? = { _ in nil }
    ) throws(ParallaxError) {
        let refusals = try ServingViews.refresh(connection)
        guard let first = refusals.first else { return }
        // What is in the way of a view has a sentence of its own.
        if first.error.code == .definition { throw first.error }
        let all = refusals.map { place($0) ?? "view \"\($0.view)\": \($0.error.message)" }.joined(separator: "\n         ")
        throw ParallaxError(
            .definition, "PostgreSQL does not take the definition of view \"\(first.view)\"; nothing was applied", detail: all,
            hint: first.error.hint)
    }

    /// PostgreSQL's place in a view of the pipeline as a compiler says it: its SELECT stands in a file as it is.
    private func place(of refusal: ServingViews.Refusal, _ definitions: Definitions) -> String? {
        guard let position = refusal.error.position, let files = try? definitionFiles(),
            let overlay = definitions.overlays.first(where: { $0.name == refusal.view })
        else { return nil }
        for file in files {
            let statements = file.text.ranges(of: overlay.selectText)
            // Where two views say the same, nothing tells which of them is meant.
            guard statements.count == 1 else { continue }
            let scalars = file.text.unicodeScalars
            guard position >= 1,
                let at = scalars.index(statements[0].lowerBound, offsetBy: position - 1, limitedBy: scalars.endIndex)
            else { return nil }
            let before = scalars[..<at]
            let start = before.lastIndex(of: "\n").map { scalars.index(after: $0) } ?? scalars.startIndex
            let line = scalars[start...].prefix { $0 != "\n" && $0 != "\r" }
            return Diagnostic(
                severity: .error, file: file.path, line: before.count { $0 == "\n" } + 1,
                column: scalars.distance(from: start, to: at) + 1, message: refusal.error.message, sourceLine: String(line)
            ).rendered
        }
        return nil
    }
}

extension LockPatience {
    /// Says who is waited for, and heeds Ctrl-C.
    static let onTerminal = LockPatience { trouble throws(ParallaxError) in
        let held = trouble.holders.isEmpty ? "" : ": " + trouble.holders.joined(separator: "; ")
        Terminal.note("waiting for a lock, try \(trouble.failedTries) of \(trouble.tries)\(held)")
        guard !Interrupt.isRequested else { throw ParallaxError(.cancelled, "stopped; nothing was changed") }
        pause()
    }
}
