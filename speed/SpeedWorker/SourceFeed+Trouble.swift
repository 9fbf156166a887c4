import Catalog
import Logging
import ParallaxCore

/// What of a source a trouble is about.
enum LogSubject: Hashable {
    /// Its log as a whole: there is no such topic, no broker answers, its folder cannot be read.
    case log
    /// The word of others on who has which partition.
    case assignment
    case partition(Partition)

    /// As people and the catalog read it.
    var text: String {
        switch self {
        case .log: "log"
        case .assignment: "group"
        case .partition(let partition): "partition \(partition)"
        }
    }
}

/// A log's trouble is its source's own: said once, kept in the catalog for status and doctor, tried again, and taken back when it is over. The other
/// sources of the session go on.
///
///     works ─cannot─► troubled ─goesOn─► works
extension SourceFeed {
    /// False for what no waiting heals: records that are gone or damaged. A topic may come (back), and rights may be given.
    func waits(for error: ParallaxError) -> Bool {
        if error.isRetriable { return true }
        guard goal == .untilStopped else { return false }
        return switch error.code {
        case .missing, .configuration, .disk: true
        default: false
        }
    }

    func cannot(_ subject: LogSubject, _ error: ParallaxError) throws(ParallaxError) {
        context.statistics.update { $0.lastError = error }
        // Once, not at every attempt.
        guard troubles.updateValue(error, forKey: subject) != error else { return }
        context.logger.error("source \(name) waits: its \(subject.text) cannot be used now", metadata: ["error": "\(error)"])
        try Catalog(connection).recordTrouble(.speed, source: sourceID, subject: subject.text, error)
        tellTroubles()
    }

    func goesOn(_ subject: LogSubject) throws(ParallaxError) {
        guard troubles.removeValue(forKey: subject) != nil else { return }
        context.logger.info("source \(name) goes on: its \(subject.text) can be used again")
        try Catalog(connection).clearTroubles(.speed, source: sourceID, subject: subject.text)
        tellTroubles()
    }

    /// Again and again, so that whoever reads them sees that they last.
    func sayTroubles() throws(ParallaxError) {
        let catalog = Catalog(connection)
        if mayHaveTroublesOfOthers {
            mayHaveTroublesOfOthers = false
            try catalog.clearTroubles(.speed, source: sourceID)
        }
        for (subject, error) in troubles { try catalog.recordTrouble(.speed, source: sourceID, subject: subject.text, error) }
        tellTroubles()
    }

    /// The whole log's before a part's.
    var worstTrouble: ParallaxError? {
        troubles[.log] ?? troubles[.assignment] ?? troubles.min { $0.key.text < $1.key.text }?.value
    }

    private func tellTroubles() {
        let (name, worst) = (name, worstTrouble)
        context.statistics.update { $0.troubles[name] = worst }
    }

    /// Nil where the log cannot say: then the feed keeps what it has, and tries again.
    func knownPartitions(_ catalog: Catalog) throws(ParallaxError) -> [Partition]? {
        let partitions: [Partition]
        do {
            guard try isOwnLog(catalog) else { return nil }
            partitions = try log.partitions()
        } catch {
            // A topic that comes back may be another one.
            if error.code == .missing { mustCompare = true }
            // What PostgreSQL says is no trouble of the log, and a log that was replaced is opened anew.
            guard connection.isOpen, error.sqlState == nil, error.code != .anotherLog, error.code != .fenced else { throw error }
            guard waits(for: error) && goal == .untilStopped else { throw error }
            try cannot(.log, error)
            return nil
        }
        try goesOn(.log)
        if joined == nil {
            do { joined = .some(try join()) } catch {
                guard waits(for: error) && goal == .untilStopped else { throw error }
                try cannot(.assignment, error)
                return nil
            }
        }
        // A group that has given nothing yet may never give anything: people want to know why.
        if let error = assignment?.wish.trouble { try cannot(.assignment, error) } else { try goesOn(.assignment) }
        return partitions
    }
}
