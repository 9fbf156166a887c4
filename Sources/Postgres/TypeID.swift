/// PostgreSQL's object ids of the built-in types that somebody here asks for (pg_type.dat). They never change.
public enum TypeID {
    public static let bool: UInt32 = 16
    public static let int8: UInt32 = 20
    public static let int2: UInt32 = 21
    public static let int4: UInt32 = 23
    public static let text: UInt32 = 25
    public static let oid: UInt32 = 26
    public static let json: UInt32 = 114
    public static let float4: UInt32 = 700
    public static let float8: UInt32 = 701
    public static let varchar: UInt32 = 1_043
    public static let date: UInt32 = 1_082
    public static let timestamp: UInt32 = 1_114
    public static let timestamptz: UInt32 = 1_184
    public static let interval: UInt32 = 1_186
    public static let numeric: UInt32 = 1_700
    public static let uuid: UInt32 = 2_950
    public static let jsonb: UInt32 = 3_802

    /// Those with arithmetic.
    public static let numbers: Set<UInt32> = [int8, int2, int4, float4, float8, numeric]
}
