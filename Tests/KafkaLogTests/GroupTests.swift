import Glibc
import ParallaxCore
import Synchronization
import TestSupport
import Testing

@testable import KafkaLog

/// Members of a group, without the workers behind them: what the group wants of whom, and what they answer.
@Suite struct GroupTests {
    private func join(
        _ broker: TestBroker, _ topic: String, patience: Duration = .seconds(10), listener: @escaping KafkaListener = { _ in }
    ) throws -> KafkaGroupMember {
        let properties = ["session.timeout.ms": "3000", "heartbeat.interval.ms": "100", "topic.metadata.refresh.interval.ms": "500"]
        return try KafkaGroupMember(
            KafkaSettings(broker, topic: topic, properties: properties), group: "g-\(topic)", patience: patience, listener: listener)
    }

    @Test func aRevocationWaitsUntilThePartitionsAreGivenBack() throws {
        let broker = try TestBroker(brokers: 3)
        let topic = try broker.makeTopic(partitions: 4)
        let first = try join(broker, topic)
        defer { first.close() }
        try waitUntil("the first to have everything") { first.currentWish.partitions.count == 4 }
        let generation = first.currentWish.generation
        let second = try join(broker, topic)
        defer { second.close() }
        try waitUntil("the first to be asked") { first.currentWish.demand == .giveUp }
        // Nobody has anything of the new assignment before the first has answered.
        #expect(second.currentWish.partitions.isEmpty && first.currentWish.partitions.isEmpty)
        try waitUntil("both to have a share") {
            // Whoever is asked gives back at once: the group may settle in more than one step.
            for member in [first, second] where member.currentWish.demand != .nothing { member.gaveUp() }
            return first.currentWish.partitions.count == 2 && second.currentWish.partitions.count == 2
        }
        #expect(first.currentWish.generation > generation && first.currentWish.demand == .nothing)
        #expect(first.currentWish.partitions.isDisjoint(with: second.currentWish.partitions))
    }

    /// A member that does not answer is not waited for without end.
    @Test func patienceEnds() throws {
        let broker = try TestBroker()
        let topic = try broker.makeTopic(partitions: 2)
        let first = try join(broker, topic, patience: .milliseconds(200))
        defer { first.close() }
        try waitUntil("the first to have everything") { first.currentWish.partitions.count == 2 }
        let second = try join(broker, topic)
        defer { second.close() }
        try waitUntil("the second to have a share") { second.currentWish.partitions.count == 1 }
    }

    /// The group went on without this member (it slept past its session, or the coordinator forgot it): what it holds is others' already.
    @Test func aLostAssignmentIsDroppedAndAskedForAnew() throws {
        let broker = try TestBroker(brokers: 3)
        let topic = try broker.makeTopic(partitions: 3)
        let member = try join(broker, topic)
        defer { member.close() }
        try waitUntil("everything") { member.currentWish.partitions.count == 3 }
        // UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION: the answers of a coordinator that has gone on.
        for code in [25, 22] {
            let generation = member.currentWish.generation
            try broker.tell("errors \(RequestKind.heartbeat) \(code) 1")
            try waitUntil("the loss") { member.currentWish.demand == .drop }
            #expect(member.currentWish.partitions.isEmpty)
            member.gaveUp()
            try waitUntil("everything again") { member.currentWish.partitions.count == 3 }
            #expect(member.currentWish.generation > generation)
        }
    }

    /// The coordinator moves to another broker, is loading, is not there for a while: the group goes on as it was.
    @Test func aLostCoordinatorIsFoundAgain() throws {
        let broker = try TestBroker(brokers: 3)
        let topic = try broker.makeTopic(partitions: 3)
        try broker.tell("coordinator g-\(topic) 1")
        let member = try join(broker, topic)
        defer { member.close() }
        try waitUntil("everything") { member.currentWish.partitions.count == 3 }
        // 14 COORDINATOR_LOAD_IN_PROGRESS, 15 COORDINATOR_NOT_AVAILABLE, 16 NOT_COORDINATOR
        try broker.tell("errors \(RequestKind.findCoordinator) 15 2")
        try broker.tell("coordinator g-\(topic) 2")
        try broker.tell("down 1")
        try broker.tell("errors \(RequestKind.heartbeat) 16 1")
        let second = try join(broker, topic)
        defer { second.close() }
        try waitUntil("the first to be asked, by the new coordinator") {
            if member.currentWish.demand != .nothing { member.gaveUp() }
            return !second.currentWish.partitions.isEmpty && !member.currentWish.partitions.isEmpty
                && member.currentWish.partitions.isDisjoint(with: second.currentWish.partitions)
        }
    }

    /// Nobody needs to hear that a new group has committed nothing yet, or that a commit went to a coordinator that had moved: commits are for lag tools.
    @Test func aNewGroupAndAFailedCommitAreNoWarnings() throws {
        let broker = try TestBroker()
        let topic = try broker.makeTopic(partitions: 3)
        let notices = Notices()
        let member = try join(broker, topic) { notice in notices.all.withLock { $0.append(notice) } }
        defer { member.close() }
        try waitUntil("everything") { member.currentWish.partitions.count == 3 }
        // 8: OffsetCommit, 12: OFFSET_METADATA_TOO_LARGE
        try broker.tell("errors 8 12 1")
        member.committed([Partition(0): Offset(5)])
        try waitUntil("the failure") { notices.all.withLock { $0.contains { $0.facility == "COMMITFAIL" } } }
        let loud = notices.all.withLock { $0.filter { $0.level == .warning || $0.level == .error } }
        #expect(loud.isEmpty, "\(loud)")
        #expect(member.currentWish.trouble == nil)
    }

    private final class Notices: Sendable { let all = Mutex<[KafkaNotice]>([]) }

    /// 10: FindCoordinator, 30: GROUP_AUTHORIZATION_FAILED
    @Test func aGroupThatIsForbiddenIsSaidByTheMemberAndByACheck() throws {
        let broker = try TestBroker()
        let topic = try broker.makeTopic(partitions: 1)
        var settings = KafkaSettings(broker, topic: topic)
        settings.requestDeadline = .seconds(5)
        try KafkaGroupMember.check(settings, group: "g-\(topic)")
        try broker.tell("errors 10 30 100000")
        settings.requestDeadline = .seconds(2)
        let error = #expect(throws: ParallaxError.self) { try KafkaGroupMember.check(settings, group: "g-\(topic)") }
        #expect(error?.code == .configuration && error?.hint?.contains("READ on the group") == true, "\(error.map { "\($0)" } ?? "")")
        let member = try join(broker, topic)
        defer { member.close() }
        try waitUntil("the trouble") { member.currentWish.trouble?.code == .configuration }
        try broker.tell("clear 10")
        try waitUntil("the partitions") { member.currentWish.partitions.count == 1 }
        #expect(member.currentWish.trouble == nil)
    }

}

/// Asks again and again, for a minute.
func waitUntil(_ what: String, _ condition: () throws -> Bool) throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while try !condition() {
        guard ContinuousClock.now < deadline else { throw ParallaxError(.unavailable, "waited in vain for \(what)") }
        sched_yield()
    }
}
