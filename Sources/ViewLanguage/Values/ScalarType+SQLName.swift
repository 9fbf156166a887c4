import Columns

extension ScalarType {
    /// PostgreSQL's name of the type.
    public var sqlName: String {
        switch self {
        case .text: "text"
        case .varchar(nil), .char(nil): "character varying"
        case .varchar(let length?): "character varying(\(length))"
        case .char(let length?): "character(\(length))"
        case .int2: "smallint"
        case .int4: "integer"
        case .int8: "bigint"
        case .numeric(let precision, let scale): "numeric(\(precision),\(scale))"
        case .decimal: "numeric"
        case .float4: "real"
        case .float8: "double precision"
        case .bool: "boolean"
        case .timestamptz: "timestamptz"
        case .timestamp: "timestamp"
        case .date: "date"
        case .time: "time"
        case .interval: "interval"
        case .uuid: "uuid"
        case .jsonb: "jsonb"
        case .array(let element): element.sqlName + "[]"
        }
    }
}
