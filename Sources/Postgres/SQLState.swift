/// What PostgreSQL calls its errors, by the names of its appendix A: those that somebody here asks for.
public enum SQLState {
    /// Also of a prepared statement whose columns have other types now.
    public static let featureNotSupported = "0A000"
    /// Of an argument, such as a roll-up's bucket.
    public static let invalidParameterValue = "22023"
    public static let uniqueViolation = "23505"
    public static let duplicateObject = "42710"
    public static let foreignKeyViolation = "23503"
    public static let readOnlyTransaction = "25006"
    public static let invalidSQLStatementName = "26000"
    public static let dependentObjectsStillExist = "2BP01"
    public static let invalidCatalogName = "3D000"
    public static let serializationFailure = "40001"
    public static let deadlockDetected = "40P01"
    public static let insufficientPrivilege = "42501"
    /// Also of two statements where one may stand.
    public static let syntaxError = "42601"
    public static let undefinedColumn = "42703"
    public static let undefinedFunction = "42883"
    public static let undefinedTable = "42P01"
    public static let invalidTableDefinition = "42P16"
    public static let tooManyConnections = "53300"
    /// Of a roll-up: the sketches that it would need are gone.
    public static let objectNotInPrerequisiteState = "55000"
    public static let lockNotAvailable = "55P03"
    /// Of a statement that somebody cancelled, or that took longer than it may.
    public static let queryCanceled = "57014"
}
