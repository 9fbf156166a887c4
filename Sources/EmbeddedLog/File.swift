import Glibc
import ParallaxCore

/// One open file. Every call retries what a signal interrupted, and every error names the path.
final class File: Sendable {
    let path: String
    let descriptor: Int32

    private init(path: String, descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Nil where there is no such file; `createNew`: where there is one already. What it makes is the owner's alone: records may be personal data.
    static func open(ifPossible path: String, flags: Int32) throws(ParallaxError) -> File? {
        var descriptor: Int32
        repeat { descriptor = Glibc.open(path, flags | O_CLOEXEC, 0o600) } while descriptor < 0 && errno == EINTR
        if descriptor >= 0 { return File(path: path, descriptor: descriptor) }
        let code = errno
        if code == ENOENT || (code == EEXIST && flags & O_EXCL != 0) { return nil }
        throw diskError("cannot open \(path)", code)
    }

    static func read(_ path: String) throws(ParallaxError) -> File? { try open(ifPossible: path, flags: O_RDONLY) }

    static func update(_ path: String) throws(ParallaxError) -> File? { try open(ifPossible: path, flags: O_RDWR) }

    /// Nil where it exists.
    static func createNew(_ path: String) throws(ParallaxError) -> File? {
        try open(ifPossible: path, flags: O_RDWR | O_CREAT | O_EXCL)
    }

    static func openOrCreate(_ path: String) throws(ParallaxError) -> File {
        guard let file = try open(ifPossible: path, flags: O_RDWR | O_CREAT) else { throw diskError("cannot create \(path)", ENOENT) }
        return file
    }

    func size() throws(ParallaxError) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw diskError("cannot ask for the size of \(path)", errno) }
        return Int(status.st_size)
    }

    /// Reads at `position` until `buffer` is full or the file ends; returns the bytes read.
    func read(at position: Int, into buffer: UnsafeMutableRawBufferPointer) throws(ParallaxError) -> Int {
        var done = 0
        while done < buffer.count {
            let count = pread(descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done, off_t(position + done))
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                throw diskError("cannot read \(path) at byte \(position + done)", errno)
            }
            done += count
        }
        return done
    }

    /// The whole file, for small ones.
    func contents(atMost limit: Int) throws(ParallaxError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: min(try size(), limit))
        var span = bytes.mutableSpan
        let count = try span.withUnsafeMutableBytes { (buffer) throws(ParallaxError) in try read(at: 0, into: buffer) }
        bytes.removeSubrange(count...)
        return bytes
    }

    /// Writes all of it or throws; what was written before an error stays.
    func write(_ bytes: RawSpan, at position: Int) throws(ParallaxError) {
        try bytes.withUnsafeBytes { (bytes) throws(ParallaxError) in
            var done = 0
            while done < bytes.count {
                let count = pwrite(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(position + done))
                if count < 0 {
                    if errno == EINTR { continue }
                    throw diskError("cannot write \(bytes.count) bytes to \(path) at byte \(position)", errno)
                }
                done += count
            }
        }
    }

    func truncate(to size: Int) throws(ParallaxError) {
        var result: Int32
        repeat { result = ftruncate(descriptor, off_t(size)) } while result != 0 && errno == EINTR
        if result != 0 { throw diskError("cannot cut \(path) to \(size) bytes", errno) }
    }

    /// Contents and size are on the disk when it returns. Never call it again after it threw as if that could help: the kernel
    /// may have marked the lost pages clean.
    func sync() throws(ParallaxError) {
        var result: Int32
        repeat { result = fdatasync(descriptor) } while result != 0 && errno == EINTR
        if result != 0 { throw diskError("cannot make \(path) durable", errno) }
    }

    /// Lets the kernel forget clean pages from `position` on, so that the next read is of the disk.
    func forgetCachedPages(from position: Int) { _ = posix_fadvise(descriptor, off_t(position), 0, POSIX_FADV_DONTNEED) }
}

/// `.disk`, with the system's words and what to do.
func diskError(_ what: String, _ code: Int32) -> ParallaxError {
    let hint: String? =
        switch code {
        case ENOSPC, EDQUOT: "Free some space and append again; nothing that was acknowledged is lost."
        case EACCES, EPERM, EROFS: "Check who owns the folder and how its file system is mounted."
        case EMFILE, ENFILE: "Raise the limit of open files (ulimit -n)."
        default: nil
        }
    return ParallaxError(.disk, "\(what): \(String(cString: strerror(code)))", hint: hint)
}
