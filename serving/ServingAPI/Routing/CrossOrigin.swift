import HTTPTypes
import Hummingbird

/// What pages of other sites may ask in a browser (CORS), and what they may see of an answer: nothing, but for origins that are named in `serve.cors_origins`.
///
///     origin of the page   the browser asks first (OPTIONS)     a request
///     none: no browser     405                                  answered
///     another one          403                                  as ever: the browser keeps the answer from the page
///     a named one          204 with methods and fields          answered; the page sees it, errors too
///
/// It opens nothing else. Who needs a token needs it here, and the page itself sends it: no answer allows credentials, so no browser sends any of its own.
/// A server on the loopback that asks for none answers its own names alone (`APIResponder.checkOrigin`), whatever the origin.
struct CrossOrigin: Sendable {
    private let origins: Set<String>
    /// Request fields that a page may send without asking for each. Those that routes read are among them.
    private let requestFields: String

    init(_ origins: [WebOrigin], routes: [Route]) {
        self.origins = Set(origins.map(\.description))
        let read = Set(routes.flatMap(\.parameters).filter { $0.place == .header }.map(\.name))
        requestFields = (Self.commonFields + read.subtracting(Self.commonFields).sorted()).joined(separator: ", ")
    }

    /// `Cache-Control` is what programs that read event streams in a page send with it.
    private static let commonFields = ["Accept", "Authorization", "Cache-Control", "Content-Type", "If-None-Match"]
    /// Fields of answers that a page may read beside those that it always may (type, length, caching).
    static let answerFields: [HTTPField.Name] = [
        .acceptEncoding, .allow, .contentDisposition, .eTag, .link, .location, .frontier, .next, .retryAfter, .wwwAuthenticate, .requestID,
    ]
    private static let exposed = answerFields.map(\.rawName).joined(separator: ", ")
    /// For so long a browser does not ask again.
    static let believedSeconds = 600

    var isOff: Bool { origins.isEmpty }

    /// Whether the request comes from a page that is let in.
    func allows(_ request: Request) -> Bool { request.headers[.origin].map(origins.contains) ?? false }

    /// A browser asks whether a page may send a request. Nil: that is not what this is.
    ///
    /// - Parameter methods: those that there are at the path.
    func preflight(_ request: Request, _ methods: [HTTPRequest.Method]) throws(Problem) -> Response? {
        guard !isOff, request.method == .options, request.headers[.accessControlRequestMethod] != nil, let origin = request.headers[.origin]
        else {
            return nil
        }
        guard allows(request) else {
            throw Problem(
                .forbidden, "cross_origin", "pages of this origin are not let in", detail: "origin \(origin.prefix(200))",
                hint: "serve.cors_origins names those that are")
        }
        return Response(
            status: .noContent,
            headers: [
                .accessControlAllowMethods: methods.map(\.rawValue).joined(separator: ", "), .accessControlAllowHeaders: requestFields,
                .accessControlMaxAge: "\(Self.believedSeconds)",
            ])
    }

    /// What a browser wants to see in every answer, to give it to the page. A cache must not give the answer for one origin to another.
    func mark(_ headers: inout HTTPFields, for request: Request) {
        guard !isOff else { return }
        headers[.vary] = (headers[.vary].map { $0 + ", " } ?? "") + "Origin"
        guard allows(request) else { return }
        headers[.accessControlAllowOrigin] = request.headers[.origin]
        if request.method != .options { headers[.accessControlExposeHeaders] = Self.exposed }
    }
}
