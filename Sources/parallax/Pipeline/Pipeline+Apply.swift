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
        let partitions = try partitionCounts(definitions.sources)
        let catalog = Catalog(connection, patience: .onTerminal)
        let left = try catalog.apply(definitions, partitions: partitions, holding: holding) { connection throws(ParallaxError) in
            try Self.refreshServing(connection)
        }
        for line in left { Terminal.note("note: \(line)") }
    }

    /// Writes the merged views; throws where PostgreSQL does not take a definition that stands on them.
    static func refreshServing(_ connection: Connection) throws(ParallaxError) {
        let refusals = try ServingViews.refresh(connection)
        guard let first = refusals.first else { return }
        let all = refusals.map { "view \"\($0.view)\": \($0.error.message)" }.joined(separator: "\n         ")
        throw ParallaxError(
            .definition, "PostgreSQL does not take the definition of view \"\(first.view)\"; nothing was applied", detail: all,
            hint: first.error.hint)
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
