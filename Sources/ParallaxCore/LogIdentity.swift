/// Which log an offset belongs to: offsets of one log mean nothing in another.
public struct LogIdentity: Hashable, Sendable, Codable, CustomStringConvertible {
    public enum Kind: String, Sendable, Codable, CaseIterable { case embedded, kafka, memory }

    public var kind: Kind
    /// The topic; the embedded log's folder is named by it, too.
    public var topic: String
    /// What tells this log from all others of its name: the embedded log's own number, the Kafka cluster's id. Nil where it cannot be learnt.
    public var number: String?

    public init(kind: Kind, topic: String, number: String?) {
        self.kind = kind
        self.topic = topic
        self.number = number
    }

    /// True where the two are certainly not the same log. What is not known on one side proves nothing.
    public func contradicts(_ other: LogIdentity) -> Bool {
        guard kind == other.kind, topic == other.topic else { return true }
        guard let number, let other = other.number else { return false }
        return number != other
    }

    public var description: String {
        switch kind {
        case .embedded: "embedded log \"\(topic)\"" + (number.map { ", number \($0)" } ?? "")
        case .kafka: "Kafka topic \"\(topic)\"" + (number.map { " of cluster \($0)" } ?? "")
        case .memory: "log in memory \"\(topic)\"" + (number.map { ", number \($0)" } ?? "")
        }
    }
}
