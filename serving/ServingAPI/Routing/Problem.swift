import HTTPTypes
import Hummingbird
import ParallaxCore
import Postgres

/// An error as clients see it: `application/problem+json` (RFC 9457), with a code that stays the same, and what to do.
public struct Problem: Error, Sendable {
    public var status: HTTPResponse.Status
    /// Stable; docs/reference/api.md lists them.
    public var code: String
    public var title: String
    public var detail: String?
    public var hint: String?
    public var sqlState: String?
    public var retryAfterSeconds: Int?
    /// Further members.
    public var members: [(String, JSONText)] = []
    public var headers = HTTPFields()

    public init(
        _ status: HTTPResponse.Status, _ code: String, _ title: String, detail: String? = nil, hint: String? = nil,
        retryAfterSeconds: Int? = nil
    ) {
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.hint = hint
        self.retryAfterSeconds = retryAfterSeconds
    }

    func response(requestID: String) -> Response {
        var body: [(String, JSONText)] = [
            ("type", .string("urn:parallax:problem:\(code)")), ("title", .string(title)), ("status", .int(Int64(status.code))),
            ("code", .string(code)), ("detail", .optional(detail)), ("hint", .optional(hint)), ("request_id", .string(requestID)),
        ]
        if let sqlState { body.append(("sqlstate", .string(sqlState))) }
        var headers = headers
        headers[.contentType] = "application/problem+json"
        headers[.cacheControl] = "no-store"
        if let retryAfterSeconds { headers[.retryAfter] = "\(retryAfterSeconds)" }
        return Response(
            status: status, headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(string: JSONText.object(body + members).text(indentation: nil) + "\n")))
    }
}

extension HTTPField.Name {
    static let retryAfter = HTTPField.Name("Retry-After")!
}

extension Problem {
    /// What our errors and PostgreSQL's are in HTTP.
    ///
    ///     SQLSTATE                                   status  code
    ///     22xxx, 42804, 42883 (a value of a filter)  400     invalid_value
    ///     57014 (statement_timeout)                  504     statement_timeout
    ///     53400 (temp_file_limit), 54xxx             422     too_large
    ///     42501                                      403     forbidden
    ///     40001, 40P01 (a version switch, …)         503     try_again
    ///     other                                      500     database
    public init(_ error: ParallaxError) {
        let (status, code, retry): (HTTPResponse.Status, String, Int?) =
            if error.sqlState == SQLState.queryCanceled {
                // Also of a server that says nothing at all.
                (.gatewayTimeout, "statement_timeout", nil)
            } else if let state = error.sqlState, error.code == .database {
                switch state {
                case "42804", "42883": (.badRequest, "invalid_value", nil)
                case _ where state.hasPrefix("22"): (.badRequest, "invalid_value", nil)
                case "53400": (.unprocessableContent, "too_large", nil)
                case _ where state.hasPrefix("54"): (.unprocessableContent, "too_large", nil)
                case SQLState.insufficientPrivilege: (.forbidden, "forbidden", nil)
                case SQLState.serializationFailure, SQLState.deadlockDetected: (.serviceUnavailable, "try_again", 1)
                default: (.internalServerError, "database", nil)
                }
            } else {
                switch error.code {
                case .usage, .input, .definition: (.badRequest, "invalid_request", nil)
                case .missing, .offsetGone: (.notFound, "not_found", nil)
                case .busy: (.serviceUnavailable, "busy", 1)
                case .unavailable, .anotherLog: (.serviceUnavailable, "unavailable", 2)
                case .conflict, .fenced: (.conflict, "conflict", nil)
                case .limit: (.unprocessableContent, "too_large", nil)
                case .cancelled: (.serviceUnavailable, "cancelled", 1)
                case .disk: (.insufficientStorage, "disk", 30)
                case .configuration, .corrupt, .notInstalled, .database, .internalInconsistency:
                    (.internalServerError, error.code.rawValue, nil)
                }
            }
        self.init(status, code, error.message, detail: error.detail, hint: error.hint, retryAfterSeconds: retry)
        sqlState = error.sqlState
        // PostgreSQL's DETAIL names our statement with its place; a client did not write it.
        if error.code == .database || error.code == .unavailable { detail = error.detail.flatMap { $0.hasPrefix("at ") ? nil : $0 } }
    }
}

extension HTTPResponse.Status {
    static let insufficientStorage = HTTPResponse.Status(code: 507, reasonPhrase: "Insufficient Storage")
}
