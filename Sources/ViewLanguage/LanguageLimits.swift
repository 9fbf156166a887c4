/// The bounds of what the compiler takes, each with its reason. Text beyond one of them is an error with a place.
public enum LanguageLimits {
    /// A definitions file is written by people; more is a mistake, and places in it are counted from the start of the file.
    public static let bytesPerFile = 1 << 20
    /// Bounds the depth of the parse tree, and with it the stack that libpg_query needs: the shortest way to go one level deeper
    /// takes two bytes ("+1") and 128 bytes of its stack (measured), so 6.4 MB at most; see `ParserThread.stackBytes`.
    public static let bytesPerStatement = 100_000
    /// More errors than anyone reads; keeps a file of half a million stray words from becoming gigabytes of output.
    public static let diagnostics = 200
    /// Levels of the syntax tree of one expression that the compiler follows; it recurses.
    public static let syntaxDepth = 200
    /// Levels of a compiled expression. Each takes at most three levels of JSON, of which Foundation's decoder takes 512.
    public static let expressionDepth = 150
    /// BETWEEN and CASE compare one operand several times and so put it into the plan several times; nested ones would double
    /// with each level, and a text of a few hundred bytes would fill the memory.
    public static let repeatedNodes = 20_000
    /// PostgreSQL's NAMEDATALEN - 1: it cuts longer names off, and two of them may then be one.
    public static let identifierBytes = 63
    /// State tables are called <view>_<version>, and the version has twelve digits.
    public static let viewNameBytes = identifierBytes - 13
    /// Kafka's limit for a topic.
    public static let topicBytes = 249
    /// PostgreSQL's is 1,600, some of which the archive needs.
    public static let columnsPerSource = 1_000
    /// A table with more columns does not fit into memory anyway.
    public static let columnsPerDimension = 1_000
    /// Tables that one view joins: each is one more look-up for every event.
    public static let lookups = 16
    /// Objects inside one another that a column's path goes down; the decoder follows 256.
    public static let pathLength = 32
    /// An index of PostgreSQL has at most 32 columns; the slice (or run) and the window take two.
    public static let groupColumns = 30
    /// Windows of hop that hold one event: each costs as much as an event does.
    public static let windowsPerEvent: Int64 = 1_000
    /// Microseconds: 366 days. A session ends with its last event + gap, which must stay within PostgreSQL's timestamptz: that goes on for
    /// thirty years behind the last event time that is taken.
    public static let sessionGap: Int64 = 366 * 86_400_000_000
    /// A measure has at most four state columns, and a table of PostgreSQL at most 1,600 columns.
    public static let measures = 390
    /// Percentiles of one array; more is a histogram.
    public static let fractions = 100
    /// PostgreSQL's limit for a target list is 1,664; two columns are ours.
    public static let outputs = 1_600
}
