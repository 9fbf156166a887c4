import Disk
import ParallaxCore

extension EmbeddedLog: DamageableLog {
    public func damages(of partition: Partition, from offset: Offset) throws(ParallaxError) -> [LogDamage] {
        let end = try reader(of: partition).durableEnd()
        let givenUp = try GivenUp(paths, partition)
        return try DamageScan(paths: paths, partition: partition, end: end).damages(from: max(offset.rawValue, end.earliest)).filter {
            (givenUp.end(of: $0.offsets.lowerBound.rawValue) ?? .min) < $0.offsets.upperBound.rawValue
        }
    }

    public func damage(of partition: Partition, at offset: Offset) throws(ParallaxError) -> LogDamage? {
        try reader(of: partition).damage(at: offset.rawValue, try reader(of: partition).durableEnd())
    }

    /// The copy is made before anybody passes over the damage.
    public func giveUp(_ damage: LogDamage) throws(ParallaxError) {
        let (first, next) = (damage.offsets.lowerBound.rawValue, damage.offsets.upperBound.rawValue)
        if let bytes = damage.bytes, let file = try File.read(damage.file) {
            let window = FileWindow(file)
            let copy = Array(try window.bytes(at: bytes.lowerBound, bytes.count, limit: bytes.upperBound, ahead: bytes.count))
            try Disk.write(copy, to: "\(paths.folder(of: damage.partition))/damaged-\(first)-\(next)")
        }
        var givenUp = try GivenUp(paths, damage.partition)
        try givenUp.add(first..<next)
    }
}
