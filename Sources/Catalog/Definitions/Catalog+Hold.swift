import ParallaxCore
import Postgres
import ViewLanguage

/// Versions that are held: every run computes them beside the ones that are served, until a person promotes or abandons them.
///
/// held → served      promote, where a published run has computed it
/// held → waiting     promote, where none has: the next publication serves it
/// held → gone        abandon, or an apply of other definitions
extension Catalog {
    public enum Promotion: Sendable, Hashable {
        /// Readers see it from now on.
        case served(version: String)
        /// The next published run computes it first.
        case waits(version: String)
    }

    /// A view's two versions: the one that is served, and the newer one, if any.
    public func versions(ofView name: String) throws(ParallaxError) -> (source: CatalogSource, served: ViewVersion?, newer: ViewVersion?) {
        for source in try sources() {
            let versions = try versions(ofSource: source.id).filter { $0.viewName == name }
            guard let last = versions.last else { continue }
            return (source, versions.first { $0.isActive }, last.isActive ? nil : last)
        }
        let names = try connection.query("SELECT name FROM parallax.view ORDER BY name").texts(0)
        throw ParallaxError(
            .usage, "there is no view \"\(name)\"",
            detail: names.isEmpty ? "no definitions have been applied yet" : "views: \(names.joined(separator: ", "))")
    }

    /// Lets a held version take the place of the served one: at once where the published run has its rows. One transaction;
    /// `refreshServing` writes the merged views inside it. Throws `.busy` as `apply` does.
    ///
    /// - Parameter left: hears, after the commit, of state tables that stay for the next clean-up, and why.
    public func promote(
        view name: String, refreshServing: (Connection) throws(ParallaxError) -> Void, left: (String) -> Void = { _ in }
    ) throws(ParallaxError) -> Promotion {
        let promotion = try changing("view \"\(name)\" was not promoted") { () throws(ParallaxError) -> Promotion in
            try connection.execute("SELECT pg_advisory_xact_lock(\(LockClass.apply), 0)")
            // No publication moves the pointer in between.
            try lockSources()
            var leaving = try Leaving(self)
            let (source, _, newer) = try versions(ofView: name)
            guard let newer, newer.isHeld else {
                throw ParallaxError(
                    .usage, "view \"\(name)\" has no version that is held",
                    detail: newer.map { "version \($0.hash) waits for its first run, which serves it" },
                    hint: "parallax apply --hold holds the versions that it makes")
            }
            try connection.query("UPDATE parallax.view_version SET is_held = false WHERE version_id = $1", [.version(newer.id)])
            guard let first = newer.firstRun, first.rawValue <= source.published.run.rawValue else { return .waits(version: newer.hash) }
            try serve(version: newer.id, ofView: newer.viewID)
            try leave(ofView: newer.viewID, where: "version_id < \(newer.id)", &leaving)
            try refreshServing(connection)
            try settle(leaving)
            return .served(version: newer.hash)
        }
        for line in dropUnnamedTablesAfterCommit() { left(line) }
        return promotion
    }

    /// Drops the version that waits, held or not; the served one stays. Returns the version's name. Throws `.busy` as `apply` does.
    ///
    /// - Parameter left: as in `promote`.
    public func abandon(view name: String, left: (String) -> Void = { _ in }) throws(ParallaxError) -> String {
        let gone = try changing("the version of view \"\(name)\" was not abandoned") { () throws(ParallaxError) -> String in
            try connection.execute("SELECT pg_advisory_xact_lock(\(LockClass.apply), 0)")
            try lockSources()
            var leaving = try Leaving(self)
            let (_, served, newer) = try versions(ofView: name)
            guard let newer, let served else {
                throw ParallaxError(
                    .usage, "view \"\(name)\" has no second version",
                    detail: newer == nil ? nil : "it waits for its first run",
                    hint: newer == nil ? nil : "take it out of the definitions, and apply them")
            }
            try leave(ofView: newer.viewID, where: "version_id > \(served.id)", &leaving)
            try settle(leaving)
            return newer.hash
        }
        for line in dropUnnamedTablesAfterCommit() { left(line) }
        return gone
    }

    /// Checks an apply: where a version is held, runs compute the served one too, and so it must fit the source as it is now.
    func checkHeld() throws(ParallaxError) {
        for source in try sources() {
            let versions = try versions(ofSource: source.id)
            for held in versions where held.isHeld {
                guard let served = versions.first(where: { $0.viewID == held.viewID && $0.isActive }),
                    served.plan.source.columns != source.definition.columns
                else { continue }
                throw ParallaxError(
                    .definition,
                    "view \"\(held.viewName)\" cannot keep a version back: the one that is served reads what source "
                        + "\"\(source.name)\" no longer has",
                    detail: "version \(served.hash) is served, \(held.hash) is held",
                    hint: "keep the column in the source until the new version is promoted, or apply without --hold")
            }
        }
    }
}
