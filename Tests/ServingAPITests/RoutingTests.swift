import HTTPTypes
import Hummingbird
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import ParallaxCore
import Testing

@testable import ServingAPI

@Suite struct RoutingTests {
    private static let table = RouteTable(routes: [
        route(.get, "/v1/views"), route(.get, "/v1/views/{view}"), route(.get, "/v1/views/{view}/rows"), route(.post, "/v1/runs"),
        route(.get, "/v1/runs"),
    ])

    private static func route(_ method: HTTPRequest.Method, _ path: String) -> Route {
        Route(method: method, path: path, operation: "\(method) \(path)", summary: "", scope: .open, answers: []) { _ in .text("") }
    }

    private func found(_ method: HTTPRequest.Method, _ path: String) -> String {
        switch Self.table.match(method, path) {
        case .found(let route, let values): route.operation + (values.isEmpty ? "" : " \(values)")
        case .otherMethods(let methods): "405 " + methods.map(\.rawValue).joined(separator: " ")
        case .none: "404"
        }
    }

    @Test(arguments: [
        (HTTPRequest.Method.get, "/v1/views", "GET /v1/views"), (.head, "/v1/views", "GET /v1/views"),
        (.get, "/v1/views/a%2Fb", "GET /v1/views/{view} [\"view\": \"a/b\"]"),
        (.get, "/v1/views/é/rows", "GET /v1/views/{view}/rows [\"view\": \"é\"]"),
        (.get, "/v1/views/a+b", "GET /v1/views/{view} [\"view\": \"a+b\"]"), (.delete, "/v1/runs", "405 POST GET HEAD"),
        (.get, "/v1", "404"),
        (.get, "/v1/views/", "404"), (.get, "//v1/views", "404"), (.get, "/v1/views/%00", "404"), (.get, "/v1/views/%zz", "404"),
        (.get, "", "404"),
        (.get, "/v1/views/../views", "404"),
    ])
    func aPathMeansARoute(method: HTTPRequest.Method, path: String, expected: String) {
        #expect(found(method, path) == expected)
    }

    @Test func queriesAreDecoded() throws {
        let query = try QueryText.parameters("a=1&b=x%20y+z&c&filter.p=%C3%A9&")
            .map { "\($0.name)=\($0.value)" }
        #expect(query == ["a=1", "b=x y z", "c=", "filter.p=é"])
    }

    @Test(arguments: ["a=%", "a=%f", "a=%ff", "a=%00", "%zz=1", "="])
    func aBrokenQueryIsNamed(query: String) {
        let problem = #expect(throws: Problem.self) { try QueryText.parameters(query) }
        #expect(problem?.status == .badRequest)
    }

    @Test(arguments: [
        ("127.0.0.1:8321", true, 8321), ("[::1]:1", true, 1), ("localhost:0", true, 0), ("0.0.0.0:80", false, 80), ("[::]:80", false, 80),
        ("10.0.0.7:9", false, 9),
        ("127.evil.example:80", false, 80), ("127.0.0.evil:80", false, 80), ("127.0.0.300:80", false, 80), ("127.0.0:80", false, 80),
    ])
    func anAddress(text: String, isLoopback: Bool, port: Int) throws {
        let address = try #require(ListenAddress(text))
        #expect(address.isLoopback == isLoopback && address.port == port && address.description == text)
    }

    @Test(arguments: ["", "8321", "127.0.0.1", ":80", "::1:80", "a:65536", "a:-1", "a:b"])
    func noAddress(text: String) { #expect(ListenAddress(text) == nil) }

    @Test(arguments: [
        ("W/\"a\"", true), ("\"a\"", true), ("*", true), ("\"b\", W/\"a\"", true), ("\"b\"", false), ("", false), ("a", false),
    ])
    func anETagMatches(header: String, matches: Bool) { #expect(ETags.matches(header, "W/\"a\"") == matches) }

    @Test func aCursorComesBackAsItWasAndNothingElseIsOne() {
        let cursor = PageCursor(query: "q", view: "1.2", runs: ["1": 7], key: ["a", nil, "é"], offset: 3)
        #expect(PageCursor(cursor.text) == cursor)
        #expect(!cursor.text.contains { !($0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_")) })
        for text in ["", "x", "e30", String(cursor.text.dropLast(3)), String(repeating: "A", count: 20_000)] {
            #expect(PageCursor(text) == nil, "\(text.prefix(20))")
        }
        #expect(PageCursor(PageCursor(query: "q", view: "v", runs: [:], key: ["\0"], offset: 0).text) == nil)
    }
}

/// Time stands still here until the test moves it.
@Suite struct RequestClockTests {
    private func channel(_ limits: APILimits = APILimits()) throws -> (EmbeddedChannel, EmbeddedEventLoop) {
        let loop = EmbeddedEventLoop()
        let channel = EmbeddedChannel(handler: RequestClock(limits), loop: loop)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return (channel, loop)
    }

    private static let head = HTTPRequestPart.head(HTTPRequest(method: .get, scheme: "http", authority: nil, path: "/"))

    @Test func whoeverSendsNoRequestIsLetGo() throws {
        let (channel, loop) = try channel()
        loop.advanceTime(by: .seconds(9))
        #expect(channel.isActive)
        loop.advanceTime(by: .seconds(2))
        #expect(!channel.isActive)
    }

    @Test func aBodyHasItsTimeToo() throws {
        let (channel, loop) = try channel()
        try channel.writeInbound(Self.head)
        // Drops of a body do not prolong it.
        for _ in 0..<11 {
            loop.advanceTime(by: .seconds(5))
            try channel.writeInbound(HTTPRequestPart.body(ByteBuffer(string: "x")))
        }
        #expect(channel.isActive)
        loop.advanceTime(by: .seconds(6))
        #expect(!channel.isActive)
    }

    @Test func anAnswerMayTakeItsTimeAndTheNextRequestMayNot() throws {
        let (channel, loop) = try channel()
        try channel.writeInbound(Self.head)
        try channel.writeInbound(HTTPRequestPart.end(nil))
        loop.advanceTime(by: .minutes(10))
        #expect(channel.isActive, "a stream goes on for as long as it likes")
        try channel.writeOutbound(HTTPResponsePart.head(HTTPResponse(status: .ok)))
        try channel.writeOutbound(HTTPResponsePart.end(nil))
        loop.advanceTime(by: .seconds(74))
        #expect(channel.isActive)
        loop.advanceTime(by: .seconds(2))
        #expect(!channel.isActive)
    }

    /// Refused by its head: a body that comes behind the answer, or does not, is no reason to wait for ever.
    @Test(arguments: [false, true]) func anAnswerBeforeTheBodyLeavesTheBodyItsTimeAndThenIsSilence(comes: Bool) throws {
        let (channel, loop) = try channel()
        try channel.writeInbound(Self.head)
        try channel.writeOutbound(HTTPResponsePart.head(HTTPResponse(status: .notFound)))
        try channel.writeOutbound(HTTPResponsePart.end(nil))
        loop.advanceTime(by: .seconds(50))
        #expect(channel.isActive)
        if comes { try channel.writeInbound(HTTPRequestPart.end(nil)) }
        loop.advanceTime(by: .seconds(comes ? 74 : 9))
        #expect(channel.isActive)
        loop.advanceTime(by: .seconds(2))
        #expect(!channel.isActive)
    }

    /// Two requests at once: the end of the first one's answer is no silence while the second one's is due.
    @Test func anAnswerThatIsDueIsWaitedFor() throws {
        let (channel, loop) = try channel()
        for _ in 0..<2 {
            try channel.writeInbound(Self.head)
            try channel.writeInbound(HTTPRequestPart.end(nil))
        }
        try channel.writeOutbound(HTTPResponsePart.end(nil))
        loop.advanceTime(by: .minutes(10))
        #expect(channel.isActive)
        try channel.writeOutbound(HTTPResponsePart.end(nil))
        loop.advanceTime(by: .seconds(76))
        #expect(!channel.isActive)
    }

    /// What is written and not sent yet: a client that takes as much as the test says.
    private final class Dam: ChannelOutboundHandler {
        typealias OutboundIn = HTTPResponsePart
        private(set) var held: [EventLoopPromise<Void>] = []
        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            if let promise { held.append(promise) }
        }
        func take() { if !held.isEmpty { held.removeFirst().succeed() } }
        func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
            while !held.isEmpty { held.removeFirst().fail(ChannelError.ioOnClosedChannel) }
            context.close(mode: mode, promise: promise)
        }
    }

    @Test func aSlowReaderIsLetLiveAndOneThatTakesNothingIsNot() throws {
        let loop = EmbeddedEventLoop()
        let dam = Dam()
        let channel = EmbeddedChannel(handlers: [dam, RequestClock(APILimits())], loop: loop)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        try channel.writeInbound(Self.head)
        try channel.writeInbound(HTTPRequestPart.end(nil))
        // One page, in one piece.
        channel.write(HTTPResponsePart.body(ByteBuffer(repeating: 0x78, count: 10 * RequestClock.sliceBytes + 1)), promise: nil)
        channel.write(HTTPResponsePart.end(nil), promise: nil)
        #expect(dam.held.count == 12)
        // A slice in 20 seconds, for longer than any time of ours: nothing of this is silence, and it is no stall.
        for _ in 0..<12 {
            loop.advanceTime(by: .seconds(20))
            dam.take()
        }
        #expect(dam.held.isEmpty)
        loop.advanceTime(by: .seconds(74))
        #expect(channel.isActive)

        try channel.writeInbound(Self.head)
        try channel.writeInbound(HTTPRequestPart.end(nil))
        channel.write(HTTPResponsePart.body(ByteBuffer(repeating: 0x78, count: 1)), promise: nil)
        loop.advanceTime(by: .seconds(61))
        #expect(!channel.isActive)
    }
}

@Suite struct TokenNeedTests {
    /// Two requests ask at once; the one that saw no token is answered last.
    @Test func whoSawNoTokenUndoesNothing() {
        let now = ContinuousClock.now
        var need = TokenNeed()
        #expect(need.known(now) == nil)
        let none = need.learned(false, until: now + .seconds(2))
        #expect(!none && need.known(now) == false && need.known(now + .seconds(2)) == nil)
        let some = need.learned(true, until: now + .seconds(2))
        let late = need.learned(false, until: now + .seconds(4))
        #expect(some && late && need.known(now) == true && need.known(now + .seconds(1_000)) == true)
    }
}
