import Catalog
import MergeLaw
import ParallaxCore
import Postgres
import ViewLanguage

/// Something of others that is in the way of a change of definitions, found before anything is done.
public struct Obstacle: Sendable, Hashable {
    public var view: String
    /// What happens to the view, for people.
    public var change: String
    /// What stands on it, as PostgreSQL describes it, and why that is in the way.
    public var objects: [String]
    /// It is in the way of the new version when that is to be served, and of nothing before.
    public var isOfVersion: Bool

    static let hint = """
        change or drop what is named (parallax psql), and make it again afterwards; a view that keeps its columns, and gains some, is in \
        nobody's way
        """
    public var hint: String { Self.hint }
}

extension ServingViews {
    /// Compares what the plan does to views with what others built on them. Changes nothing and waits for no reader.
    ///
    /// Not everything shows before: a view over a view of the pipeline is judged by PostgreSQL when it is made again. What does not show here, or
    /// comes later, is refused when it is found.
    public static func obstacles(_ connection: Connection, _ plan: ApplyPlan) throws(ParallaxError) -> [Obstacle] {
        try connection.execute("BEGIN")
        defer { _ = try? connection.execute("ROLLBACK") }
        let writer = ViewWriter(connection: connection, wanted: [:])
        var obstacles: [Obstacle] = []
        for change in plan.changes where change.kind == .view || change.kind == .overlay {
            let future = change.action == .changed ? try futureSQL(of: change, plan.definitions, connection) : [:]
            if change.kind == .view, let found = try rollUpObstacle(of: change, future[change.name], plan.definitions, writer) {
                obstacles.append(found)
            }
            for name in change.relations {
                if let obstacle = try self.obstacle(to: change, name, future[name], writer) { obstacles.append(obstacle) }
            }
        }
        return obstacles
    }

    /// - Parameter future: what the relation will be made of; nil where nothing is written anew.
    private static func obstacle(
        to change: ApplyPlan.Change, _ name: String, _ future: (text: String, isOverlay: Bool)?, _ writer: ViewWriter
    ) throws(ParallaxError) -> Obstacle? {
        guard let existing = try writer.relation(name) else { return nil }
        guard existing.isOurs else {
            guard change.action != .dropped else { return nil }
            return Obstacle(
                view: name, change: "its place is taken", objects: ["\(existing.description) is not Parallax's"], isOfVersion: false)
        }
        switch change.action {
        case .new, .unchanged: return nil
        case .dropped:
            let objects = try writer.inTheWay(existing.id, name, lost: nil)
            return objects.isEmpty ? nil : Obstacle(view: name, change: "it is dropped", objects: objects, isOfVersion: false)
        case .changed:
            guard let future else { return nil }
            let old = try writer.columns(of: existing.id)
            guard let new = try writer.judged(future), new.order(after: old) == nil else { return nil }
            let lost = new.lost(of: old)
            let objects = try writer.inTheWay(existing.id, name, lost: Set(lost.map(\.name)))
            guard !objects.isEmpty else { return nil }
            return Obstacle(
                view: name, change: lost.map(\.words).joined(separator: ", "), objects: objects, isOfVersion: change.kind == .view)
        }
    }

    /// What is in the way of the view's roll-up function: one of somebody else in its place, or, where it goes or gets other columns, what stands on it and
    /// is no plain view.
    ///
    /// - Parameter sql: what the view will be made of; nil where it is not written anew.
    private static func rollUpObstacle(
        of change: ApplyPlan.Change, _ sql: (text: String, isOverlay: Bool)?, _ definitions: Definitions, _ writer: ViewWriter
    ) throws(ParallaxError) -> Obstacle? {
        let place = ViewWriter.rollUpPlace(change.name)
        guard change.action != .unchanged,
            let existing = try Catalog(writer.connection).servingFunction(RollUpFunction.name(change.name), place)
        else { return nil }
        guard let written = existing.written else {
            return change.action == .dropped
                ? nil
                : Obstacle(
                    view: change.name, change: "the place of its roll-up function is taken",
                    objects: ["\(existing.description) is not Parallax's"],
                    isOfVersion: false)
        }
        if change.action == .changed {
            let columns = try sql.flatMap { sql throws(ParallaxError) in try writer.judged(sql) }
            guard let columns, let view = definitions.views.first(where: { $0.name == change.name }) else { return nil }
            let future = RollUpFunction(ViewVersion(future: view)).definition(columns.plainTypes).columns
            guard !written.hasPrefix(future + "\n") else { return nil }
        }
        var objects: [String] = []
        for object in try Dependents(writer.connection, on: existing.id, .function).objects {
            if let own = object.view?.servingName, try writer.relation(own)?.isOurs == true { continue }
            if change.action == .dropped || object.view == nil { objects.append(object.description) }
        }
        guard !objects.isEmpty else { return nil }
        return Obstacle(
            view: change.name,
            change: change.action == .dropped ? "its roll-up function is dropped" : "its roll-up function gets other columns",
            objects: objects, isOfVersion: change.action == .changed)
    }

    /// What a changed view will be made of. The state tables of a new version go with the transaction. Nothing where nothing is written anew, or where
    /// PostgreSQL takes something not: the apply itself says so.
    private static func futureSQL(
        of change: ApplyPlan.Change, _ definitions: Definitions, _ connection: Connection
    ) throws(ParallaxError) -> [String: (text: String, isOverlay: Bool)] {
        if let overlay = definitions.overlays.first(where: { $0.name == change.name }) { return [change.name: (overlay.selectText, true)] }
        guard change.from != change.to, !change.isStepBack, let view = definitions.views.first(where: { $0.name == change.name }) else {
            return [:]
        }
        let version = ViewVersion(future: view)
        try connection.execute("SAVEPOINT future")
        do throws(ParallaxError) {
            for statement in StateTables(version).createStatements() { try connection.execute(statement) }
        } catch {
            guard error.code == .database else { throw error }
            try connection.execute("ROLLBACK TO SAVEPOINT future")
            return [:]
        }
        return [change.name: (MergedViewSQL(version).selectText, false), view.changesName: (ChangesSQL(version).selectText, false)]
    }
}

extension ApplyPlan.Change {
    /// What stands in `serving` for it.
    fileprivate var relations: [String] { kind == .view ? [name, ViewDefinition.changesName(of: name)] : [name] }
}

extension ViewWriter {
    fileprivate func judged(_ sql: (text: String, isOverlay: Bool)) throws(ParallaxError) -> ViewColumns? {
        try connection.execute("SAVEPOINT judged\(sql.isOverlay ? "; \(Self.overlayPath)" : "")")
        do throws(ParallaxError) {
            let columns = try columns(of: sql.text)
            try connection.execute("SET LOCAL search_path TO DEFAULT")
            return columns
        } catch {
            guard error.code == .database else { throw error }
            try connection.execute("ROLLBACK TO SAVEPOINT judged")
            return nil
        }
    }

    /// What cannot stay, or be made again, when the view loses these columns; nil: when it goes.
    fileprivate func inTheWay(_ view: Int64, _ name: String, lost: Set<String>?) throws(ParallaxError) -> [String] {
        var found = try ViewProperties(connection, view, place: Self.place(name)).lost
        for object in try Dependents(connection, on: view).objects {
            if let own = object.view?.servingName, try relation(own)?.isOurs == true { continue }
            guard let lost, let view = object.view else {
                found.append(object.description)
                continue
            }
            let read = object.columns.intersection(lost).sorted()
            if !read.isEmpty {
                found.append("\(object.description) reads \(read.map { "\"\($0)\"" }.joined(separator: ", "))")
            } else {
                found += try ViewProperties(connection, view.id, place: view.place).lost
            }
        }
        return found
    }
}
