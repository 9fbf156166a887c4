import Postgres

/// What a column's text is, for formats that tell kinds apart.
enum ValueKind: Sendable, Hashable {
    case bool, int16, int32, int64, float, numeric, json, timestamptz, timestamp, date, text
    indirect case array(ValueKind)

    init(typeID: UInt32) {
        switch typeID {
        case TypeID.bool: self = .bool
        case TypeID.int2: self = .int16
        case TypeID.int4: self = .int32
        case TypeID.int8: self = .int64
        case TypeID.float4, TypeID.float8: self = .float
        case TypeID.numeric: self = .numeric
        case TypeID.json, TypeID.jsonb: self = .json
        case TypeID.timestamptz: self = .timestamptz
        case TypeID.timestamp: self = .timestamp
        case TypeID.date: self = .date
        // Arrays of them.
        case 1000: self = .array(.bool)
        case 1005: self = .array(.int16)
        case 1007: self = .array(.int32)
        case 1016: self = .array(.int64)
        case 1021, 1022: self = .array(.float)
        case 1231: self = .array(.numeric)
        case 1009, 1015: self = .array(.text)
        case 1185: self = .array(.timestamptz)
        case 1115: self = .array(.timestamp)
        case 1182: self = .array(.date)
        default: self = .text
        }
    }
}
