import ParallaxCore

/// Places where tests make the world fail, or the process stop. Outside tests they do nothing.
struct LogFaults: Sendable {
    /// With the path of the file; an error is taken for the disk's.
    var beforeSync: @Sendable (String) throws(ParallaxError) -> Void = { (_) throws(ParallaxError) in }
    /// An error here leaves the files as a crash at this point would.
    var beforePublish: @Sendable (Partition) throws(ParallaxError) -> Void = { (_) throws(ParallaxError) in }
}
