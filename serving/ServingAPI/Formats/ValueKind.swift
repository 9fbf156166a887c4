/// What a column's text is, for formats that tell kinds apart. By PostgreSQL's object id of the type, which never changes for its own types.
enum ValueKind: Sendable, Hashable {
    case bool, int16, int32, int64, float, numeric, json, timestamptz, timestamp, date, text
    indirect case array(ValueKind)

    init(typeID: UInt32) {
        switch typeID {
        case 16: self = .bool
        case 21: self = .int16
        case 23: self = .int32
        case 20: self = .int64
        case 700, 701: self = .float
        case 1700: self = .numeric
        case 114, 3802: self = .json
        case 1184: self = .timestamptz
        case 1114: self = .timestamp
        case 1082: self = .date
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
