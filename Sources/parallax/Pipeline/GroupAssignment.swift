import KafkaLog
import Logging
import ParallaxCore
import SpeedWorker
import ViewLanguage

/// The consumer group's word, as the speed layer hears it.
final class GroupAssignment: PartitionAssignment {
    private let member: KafkaGroupMember

    init(_ member: KafkaGroupMember) { self.member = member }

    var wish: PartitionWish {
        let wish = member.currentWish
        let demand: PartitionWish.Demand =
            switch wish.demand {
            case .nothing: .nothing
            case .giveUp: .giveUp
            case .drop: .drop
            }
        return PartitionWish(
            partitions: wish.partitions, generation: wish.generation, demand: demand, losses: wish.losses,
            trouble: wish.trouble)
    }

    func gaveUp() { member.gaveUp() }
    func committed(_ positions: [Partition: Offset]) { member.committed(positions) }
    func leave() { member.close() }
}

extension Pipeline {
    func kafkaGroup(_ source: SourceDefinition) -> String { "\(configuration.text(.logKafkaGroup) ?? "parallax")-\(source.name)" }

    /// Nil for the embedded log, which has no groups.
    func groupMember(_ source: SourceDefinition, _ logger: Logger) throws(ParallaxError) -> (any PartitionAssignment)? {
        guard logKind == .kafka else { return nil }
        return GroupAssignment(
            try KafkaGroupMember(kafkaSettings(source), group: kafkaGroup(source), listener: Self.kafkaListener(logger)))
    }
}
