import NIOCore
import NIOHTTPTypes
import ParallaxCore

/// Lets go of clients that hold a connection and do nothing with it: those that drip a request byte by byte, that are silent between two requests for too
/// long, and that stopped reading their answer.
///
///     waits for a request ──first byte──► reads the head ──head──► reads the body ──end──► answers ──end of the answer──► waits for a request
///      idleTime                           headTime                  bodyTime               writeTime, while bytes wait
///
/// Closing is the answer: whoever is that slow reads no other.
final class RequestClock: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let limits: APILimits
    private let hangUps: HangUps
    private var deadline: Scheduled<Void>?
    private var stalled: Scheduled<Void>?
    private var pendingWrites = 0
    private var lastProgress = NIODeadline.now()

    init(_ limits: APILimits, hangUps: HangUps = HangUps()) {
        self.limits = limits
        self.hangUps = hangUps
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // It reads on, perhaps, but nobody who asks for rows closes their side before they have them.
        if let event = event as? ChannelEvent, event == .inputClosed { hangUps.happened(on: context.channel) }
        context.fireUserInboundEventTriggered(event)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { expect(within: limits.headTime, context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        // The first request is due at once; a client that only connects is let go.
        expect(within: limits.headTime, context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        stalled?.cancel()
        hangUps.happened(on: context.channel)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
        stalled?.cancel()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head: expect(within: limits.bodyTime, context)
        case .body: break
        case .end:
            deadline?.cancel()
            deadline = nil
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { expect(within: limits.idleTime, context) }
        let promise = promise ?? context.eventLoop.makePromise(of: Void.self)
        if pendingWrites == 0 { lastProgress = .now() }
        pendingWrites += 1
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        promise.futureResult.whenComplete { _ in
            let clock = bound.value
            clock.pendingWrites -= 1
            clock.lastProgress = .now()
        }
        if stalled == nil { watchWrites(context) }
        context.write(data, promise: promise)
    }

    private func expect(within time: Duration, _ context: ChannelHandlerContext) {
        deadline?.cancel()
        let channel = context.channel
        deadline = context.eventLoop.scheduleTask(in: .init(time)) { channel.close(mode: .all, promise: nil) }
    }

    private func watchWrites(_ context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        stalled = context.eventLoop.scheduleTask(in: .init(limits.writeTime)) {
            let (clock, context) = bound.value
            clock.stalled = nil
            guard clock.pendingWrites > 0 else { return }
            if NIODeadline.now() - clock.lastProgress >= .init(clock.limits.writeTime) {
                context.channel.close(mode: .all, promise: nil)
            } else {
                clock.watchWrites(context)
            }
        }
    }
}
