/// Microseconds since 1970 to timestamptz and back, as SQL, exactly. An interval is multiplied as a double, which counts microseconds without a gap only
/// from 1684 to 2255: seconds and the rest are added one after the other (and to_timestamp is not used at all).
public enum InstantSQL {
    public static func instant(_ microseconds: String) -> String {
        """
        ('epoch'::timestamptz + (\(microseconds)::bigint / 1000000) * interval '1 second' \
        + (\(microseconds)::bigint % 1000000) * interval '1 microsecond')
        """
    }

    public static func microseconds(_ instant: String) -> String { "(extract(epoch FROM \(instant)) * 1000000)::bigint" }
}
