import HTTPTypes
import Hummingbird
import NIOCore
import ParallaxCore

/// How the system is, for people, load balancers and programs that want to know what they can ask.
struct SystemRoutes: Sendable {
    let snapshots: Snapshots
    let services: APIServices

    var routes: [Route] { [health, ready, status] }

    private var health: Route {
        Route(
            method: .get, path: "/healthz", operation: "getHealth", summary: "Whether the process answers", scope: .open,
            answers: [.init(status: 200, words: "It does.", content: [("text/plain", .string)])]
        ) { _ in .text("ok\n") }
    }

    private var ready: Route {
        Route(
            method: .get, path: "/readyz", operation: "getReadiness", summary: "Whether PostgreSQL answers, too", scope: .open,
            answers: [.init(status: 200, words: "It does.", content: [("text/plain", .string)])]
        ) { request in
            _ = try await snapshots.read(request) { catalog in try catalog.isMigrated() }
            return .text("ready\n")
        }
    }

    private var status: Route {
        Route(
            method: .get, path: "/v1/status", operation: "getStatus", summary: "How far each layer is, and what is wrong",
            words: "The object of `parallax status --json`.", scope: .admin,
            answers: [.init(status: 200, words: "The status.", content: [("application/json", .map(.any))])]
        ) { request in
            let status = services.status
            return .json(try await request.whileConnected { try await onOwnThread(name: "status") { try status() } })
        }
    }
}

extension Response {
    static func text(_ text: String, type: String = "text/plain; charset=utf-8") -> Response {
        Response(
            status: .ok, headers: [.contentType: type, .cacheControl: "no-store"], body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
