import ParallaxCore
import Postgres

/// The catalog's numbers, on their way to PostgreSQL and back: nobody writes one in the place of another.
extension Parameter {
    public static func source(_ id: SourceID) -> Parameter { .int(id.rawValue) }
    public static func view(_ id: ViewID) -> Parameter { .int(id.rawValue) }
    public static func version(_ id: VersionID) -> Parameter { .int(id.rawValue) }
    public static func dimension(_ id: DimensionID) -> Parameter { .int(id.rawValue) }
    public static func epoch(_ epoch: LeaseEpoch) -> Parameter { .int(epoch.rawValue) }
    public static func sources(_ ids: [SourceID]) -> Parameter { .ints(ids.map(\.rawValue)) }
    public static func views(_ ids: [ViewID]) -> Parameter { .ints(ids.map(\.rawValue)) }
    public static func versions(_ ids: [VersionID]) -> Parameter { .ints(ids.map(\.rawValue)) }
}

extension QueryResult.Row {
    func source(_ column: some RowColumn) throws(ParallaxError) -> SourceID { SourceID(try int(column)) }
    func view(_ column: some RowColumn) throws(ParallaxError) -> ViewID { ViewID(try int(column)) }
    func version(_ column: some RowColumn) throws(ParallaxError) -> VersionID { VersionID(try int(column)) }
    func dimension(_ column: some RowColumn) throws(ParallaxError) -> DimensionID { DimensionID(try int(column)) }
    func epoch(_ column: some RowColumn) throws(ParallaxError) -> LeaseEpoch { LeaseEpoch(try int(column)) }
    func optionalVersion(_ column: some RowColumn) throws(ParallaxError) -> VersionID? { try optionalInt(column).map { VersionID($0) } }
}

extension QueryResult {
    func sources(_ column: some RowColumn) throws(ParallaxError) -> [SourceID] { try ints(column).map { SourceID($0) } }
    func views(_ column: some RowColumn) throws(ParallaxError) -> [ViewID] { try ints(column).map { ViewID($0) } }
    func versions(_ column: some RowColumn) throws(ParallaxError) -> [VersionID] { try ints(column).map { VersionID($0) } }
}
