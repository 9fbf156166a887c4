import Glibc
import ParallaxCore

/// One open file. Every call retries what a signal interrupted, and every error names the path.
public final class File: Sendable {
    public let path: String
    public let descriptor: Int32

    private init(path: String, descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// What it makes is the owner's alone, where no other mode is given: records may be personal data. No child process inherits the descriptor.
    private static func open(_ path: String, _ flags: Int32, mode: mode_t = 0o600) -> Result<File, SystemError> {
        var descriptor: Int32
        repeat { descriptor = Glibc.open(path, flags | O_CLOEXEC, mode) } while descriptor < 0 && errno == EINTR
        return descriptor >= 0 ? .success(File(path: path, descriptor: descriptor)) : .failure(SystemError(number: errno))
    }

    private struct SystemError: Error {
        var number: Int32
    }

    /// Nil where there is no such file.
    public static func read(_ path: String) throws(ParallaxError) -> File? { try existing(path, O_RDONLY) }

    /// For reading and writing. Nil where there is no such file.
    public static func update(_ path: String) throws(ParallaxError) -> File? { try existing(path, O_RDWR) }

    /// For reading. It has to be there: where it is not, that is `.missing`.
    public static func opened(_ path: String) throws(ParallaxError) -> File {
        guard let file = try read(path) else { throw Disk.error("open", path, ENOENT) }
        return file
    }

    private static func existing(_ path: String, _ flags: Int32) throws(ParallaxError) -> File? {
        switch open(path, flags) {
        case .success(let file): return file
        case .failure(let failure):
            if failure.number == ENOENT { return nil }
            throw Disk.error("open", path, failure.number)
        }
    }

    /// For reading and writing. Nil where it exists, also as a link that leads nowhere.
    public static func createNew(_ path: String, mode: mode_t = 0o600) throws(ParallaxError) -> File? {
        switch open(path, O_RDWR | O_CREAT | O_EXCL, mode: mode) {
        case .success(let file): return file
        case .failure(let failure):
            if failure.number == EEXIST { return nil }
            throw Disk.error("make", path, failure.number)
        }
    }

    /// For reading and writing.
    ///
    /// - Parameter followsLinks: false: a link in its place is an error. For root, who would write to wherever somebody else's link leads.
    public static func openOrCreate(_ path: String, followsLinks: Bool = true) throws(ParallaxError) -> File {
        do throws(SystemError) { return try open(path, O_RDWR | O_CREAT | (followsLinks ? 0 : O_NOFOLLOW)).get() } catch {
            // It is the folder that is missing, and not what was asked for.
            throw Disk.error("open", path, error.number, code: .disk)
        }
    }

    /// Whatever is appended goes to the end of the file, wherever that is.
    public static func appendOrCreate(_ path: String, mode: mode_t = 0o600) throws(ParallaxError) -> File {
        do throws(SystemError) { return try open(path, O_WRONLY | O_CREAT | O_APPEND, mode: mode).get() } catch {
            throw Disk.error("open", path, error.number)
        }
    }

    /// A folder, to lock it or to make its names durable.
    public static func folder(_ path: String) throws(ParallaxError) -> File {
        do throws(SystemError) { return try open(path, O_RDONLY | O_DIRECTORY).get() } catch {
            throw Disk.error("open the folder", path, error.number)
        }
    }

    public func status() throws(ParallaxError) -> FileStatus {
        guard let status = FileStatus(descriptor: descriptor) else { throw Disk.error("look at", path) }
        return status
    }

    public func size() throws(ParallaxError) -> Int { try status().bytes }

    /// True where the file's name still leads to this file. Nobody else can have its inode while it is open.
    public func isStillAtItsPath() throws(ParallaxError) -> Bool {
        guard let named = FileStatus(path) else {
            if errno == ENOENT || errno == ENOTDIR { return false }
            throw Disk.error("look at", path)
        }
        return try named.isSameFile(as: status())
    }

    /// Reads at `position` until `buffer` is full or the file ends; returns the bytes read.
    public func read(at position: Int, into buffer: UnsafeMutableRawBufferPointer) throws(ParallaxError) -> Int {
        var done = 0
        while done < buffer.count {
            let count = pread(descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done, off_t(position + done))
            if count == 0 { break }
            if count < 0 {
                let number = errno
                if number == EINTR { continue }
                throw Disk.error("read byte \(position + done) of", path, number)
            }
            done += count
        }
        return done
    }

    /// From `start` to the end, as far as the file reaches now: for small files.
    ///
    /// - Parameter limit: what is longer is cut there.
    public func contents(from start: Int = 0, atMost limit: Int = .max) throws(ParallaxError) -> [UInt8] {
        try bytes(at: start, count: min(max(0, size() - start), limit))
    }

    /// As many of `count` bytes from `position` on as the file has. They are read into place: nothing is zeroed or copied.
    public func bytes(at position: Int, count: Int) throws(ParallaxError) -> [UInt8] {
        var trouble: ParallaxError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            let room = UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: count)
            do throws(ParallaxError) { initialized = try read(at: position, into: room) } catch { trouble = error }
        }
        if let trouble { throw trouble }
        return bytes
    }

    /// Writes all of it or throws; what was written before an error stays.
    public func write(_ bytes: RawSpan, at position: Int) throws(ParallaxError) {
        try bytes.withUnsafeBytes { (bytes) throws(ParallaxError) in
            var done = 0
            while done < bytes.count {
                let count = pwrite(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(position + done))
                if count < 0 {
                    let number = errno
                    if number == EINTR { continue }
                    throw Disk.error("write \(bytes.count) bytes at byte \(position) of", path, number)
                }
                done += count
            }
        }
    }

    /// Writes all of it behind what was written before, or throws; what was written before an error stays.
    public func append(_ bytes: UnsafeRawBufferPointer) throws(ParallaxError) {
        var done = 0
        while done < bytes.count {
            let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
            if count < 0 {
                if errno == EINTR { continue }
                throw Disk.error("write", path)
            }
            done += count
        }
    }

    public func append(_ bytes: [UInt8]) throws(ParallaxError) {
        try bytes.span.bytes.withUnsafeBytes { (raw) throws(ParallaxError) in try append(raw) }
    }

    public func truncate(to size: Int) throws(ParallaxError) {
        var result: Int32
        repeat { result = ftruncate(descriptor, off_t(size)) } while result != 0 && errno == EINTR
        if result != 0 { throw Disk.error("shorten", path) }
    }

    /// Contents, size, owner and times are on the disk when it returns. Never call it again after it threw as if that could help: the kernel
    /// may have marked the lost pages clean.
    public func sync() throws(ParallaxError) {
        var result: Int32
        repeat { result = fsync(descriptor) } while result != 0 && errno == EINTR
        if result != 0 { throw Disk.error("make durable", path) }
    }

    /// The same of contents and size alone, which costs one write less: for a file that is written again and again.
    public func syncContents() throws(ParallaxError) {
        var result: Int32
        repeat { result = fdatasync(descriptor) } while result != 0 && errno == EINTR
        if result != 0 { throw Disk.error("make durable", path) }
    }

    public func changeOwner(to user: uid_t, group: gid_t) throws(ParallaxError) {
        guard fchown(descriptor, user, group) == 0 else { throw Disk.error("change the owner of", path) }
    }

    /// Lets the kernel forget clean pages from `position` on, so that the next read is of the disk.
    public func forgetCachedPages(from position: Int) { _ = posix_fadvise(descriptor, off_t(position), 0, POSIX_FADV_DONTNEED) }
}
