import CPage
import Checksums
import HTTPTypes
import Hummingbird
import NIOCore
import ParallaxCore

/// The dashboard: the files of serving/Page, out of the executable. It shows what the API tells its reader, and asks for a token where the API does; so the
/// files themselves need none.
///
/// `/` names the others as `/assets/<version>/<name>`, where the version is a digest of them all: what a browser has kept is never of another version, and may
/// be kept for ever.
struct PageRoutes: Sendable {
    struct File: Sendable {
        var name: String
        var bytes: ByteBuffer
    }

    /// The file that `/` is.
    static let start = "index.html"
    /// Where that file says the version.
    static let placeholder = "@version"
    /// No script and no style but those files, no other place to talk to, no page around this one: markup that got in by an event's text would do nothing.
    static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
        + "frame-ancestors 'none'"

    /// As they are in the repository, by name.
    let files: [File]
    let version: String

    init() {
        var files: [File] = []
        while let file = parallax_page_file(files.count)?.pointee {
            let bytes = UnsafeBufferPointer(start: file.bytes, count: file.count)
            files.append(File(name: String(cString: file.name), bytes: ByteBuffer(bytes: bytes)))
        }
        var digest = SHA256()
        for file in files {
            Array(file.name.utf8).withUnsafeBytes { digest.update($0) }
            file.bytes.withUnsafeReadableBytes { digest.update($0) }
        }
        version = String(digest.finish().prefix(16))
        self.files = files
    }

    var routes: [Route] { [page, asset] }

    private var page: Route {
        let text = files.first { $0.name == Self.start }.map { String(buffer: $0.bytes) } ?? ""
        let body = ByteBuffer(string: text.split(separator: Self.placeholder, omittingEmptySubsequences: false).joined(separator: version))
        let etag = "\"\(version)\""
        return Self.route("/", "getPage", "The dashboard") { request in
            // Asked for anew each time, it is 304 until the executable is another one.
            Self.response(request, body, type: "text/html; charset=utf-8", etag: etag, caching: "no-cache")
        }
    }

    private var asset: Route {
        let etag = "\"\(version)\""
        let named = Dictionary(files.map { ($0.name, $0.bytes) }) { first, _ in first }
        let version = version
        return Self.route("/assets/{version}/{name}", "getAsset", "A file of the dashboard") { request in
            let name = request.pathValue("name")
            guard request.pathValue("version") == version, name != Self.start, let bytes = named[name], let type = Self.type(of: name)
            else {
                throw Problem(
                    .notFound, "not_found", "there is no such file of the dashboard",
                    hint: "load / again: it names the files of this version")
            }
            return Self.response(request, bytes, type: type, etag: etag, caching: "public, max-age=31536000, immutable")
        }
    }

    static func type(of name: String) -> String? {
        switch name.split(separator: ".").last {
        case "js": "text/javascript; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "svg": "image/svg+xml"
        case "txt": "text/plain; charset=utf-8"
        case "html": "text/html; charset=utf-8"
        default: nil
        }
    }

    private static func route(
        _ path: String, _ operation: String, _ summary: String, _ handle: @escaping @Sendable (APIRequest) async throws -> Response
    ) -> Route {
        let names = path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
        return Route(
            method: .get, path: path, operation: operation, summary: summary, scope: .open,
            parameters: names.map { .init(name: $0, place: .path, words: "") }, answers: [], handle: handle)
    }

    private static func response(_ request: APIRequest, _ bytes: ByteBuffer, type: String, etag: String, caching: String) -> Response {
        var headers: HTTPFields = [.eTag: etag, .cacheControl: caching]
        if ETags.matches(request.header(.ifNoneMatch), etag) { return Response(status: .notModified, headers: headers) }
        headers[.contentType] = type
        headers[.contentSecurityPolicy] = policy
        headers[.referrerPolicy] = "no-referrer"
        headers[.crossOriginResourcePolicy] = "same-origin"
        headers[.crossOriginOpenerPolicy] = "same-origin"
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: bytes))
    }
}

extension HTTPField.Name {
    static let referrerPolicy = HTTPField.Name("Referrer-Policy")!
    static let crossOriginOpenerPolicy = HTTPField.Name("Cross-Origin-Opener-Policy")!
}
