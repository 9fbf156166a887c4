import NIOCore
import NIOHTTPTypes
import ParallaxCore

/// Lets go of clients that hold a connection and do nothing with it: those that drip a request byte by byte, that are silent between two requests for too
/// long, and that stopped reading their answer.
///
///     waits for a request ──head──► reads the body ──end──► answers ──the answer's end is sent──► waits for a request
///      idleTime (the first: headTime)  bodyTime               writeTime, while bytes wait
///
/// A request may be answered before its body has come, and further ones may come before the answer: it waits for a request where nothing is being read and no
/// answer is due. Closing is the answer: whoever is that slow reads no other.
final class RequestClock: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let limits: APILimits
    private let hangUps: HangUps
    /// So much of an answer is one write: a slow reader that takes this much is seen to be alive, however long the answer is.
    static let sliceBytes = 64 << 10
    private var deadline: Scheduled<Void>?
    private var stalled: Scheduled<Void>?
    private var pendingWrites = 0
    private var lastProgress = NIODeadline.uptimeNanoseconds(0)
    /// A request's head has come, and its end has not.
    private var isReading = false
    /// Requests of which not all of the answer is sent.
    private var answersDue = 0

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
        case .head:
            isReading = true
            answersDue += 1
            expect(within: limits.bodyTime, context)
        case .body: break
        case .end:
            isReading = false
            settle(context)
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part = unwrapOutboundIn(data)
        guard case .body(var rest) = part, rest.readableBytes > Self.sliceBytes else { return write(part, context, promise) }
        while let slice = rest.readSlice(length: min(rest.readableBytes, Self.sliceBytes)) {
            let isLast = rest.readableBytes == 0
            write(.body(slice), context, isLast ? promise : nil)
            if isLast { return }
        }
    }

    private func write(_ part: HTTPResponsePart, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        let promise = promise ?? context.eventLoop.makePromise(of: Void.self)
        if pendingWrites == 0 { lastProgress = context.eventLoop.now }
        pendingWrites += 1
        let isEnd = if case .end = part { true } else { false }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        promise.futureResult.whenComplete { result in
            let (clock, context) = bound.value
            clock.pendingWrites -= 1
            clock.lastProgress = context.eventLoop.now
            guard isEnd, case .success = result else { return }
            // A request that could not be read was none, and has its answer all the same.
            clock.answersDue = max(0, clock.answersDue - 1)
            clock.settle(context)
        }
        if stalled == nil { watchWrites(context) }
        context.write(wrapOutboundOut(part), promise: promise)
    }

    /// While a body is read, its time goes on.
    private func settle(_ context: ChannelHandlerContext) {
        guard !isReading else { return }
        if answersDue == 0 { return expect(within: limits.idleTime, context) }
        deadline?.cancel()
        deadline = nil
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
            if context.eventLoop.now - clock.lastProgress >= .init(clock.limits.writeTime) {
                clock.hangUps.hasStalled()
                context.channel.close(mode: .all, promise: nil)
            } else {
                clock.watchWrites(context)
            }
        }
    }
}
