/// Exact sums as the types that PostgreSQL's aggregates return.
enum Rounding {
    /// numeric to double precision, rounded once. A sum beyond the type's range reads as infinity: PostgreSQL would raise an error, and
    /// one group would make the whole view unreadable.
    static func toDouble(_ sum: String) -> String {
        """
        (CASE WHEN \(sum) > 1.797693134862315e308 THEN 'Infinity'::double precision \
        WHEN \(sum) < -1.797693134862315e308 THEN '-Infinity'::double precision ELSE \(sum)::double precision END)
        """
    }

    /// The same for real.
    static func toReal(_ sum: String) -> String {
        """
        (CASE WHEN \(sum) > 3.4028235e38 THEN 'Infinity'::real WHEN \(sum) < -3.4028235e38 THEN '-Infinity'::real ELSE \(sum)::real END)
        """
    }
}
