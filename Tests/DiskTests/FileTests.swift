import Disk
import Glibc
import ParallaxCore
import TestSupport
import Testing

@Suite struct FileTests {
    @Test func whatIsOpenedIsThereOrSaidNotToBe() throws {
        let folder = try TemporaryFolder("file")
        let path = folder.path("a")
        #expect(try File.read(path) == nil && File.update(path) == nil)
        #expect(#expect(throws: ParallaxError.self) { try File.opened(path) }?.code == .missing)
        #expect(try File.createNew(path) != nil && File.createNew(path) == nil)
        #expect(FileStatus(path)?.mode == 0o600)
        #expect(try File.createNew(folder.path("b"), mode: 0o640).map { try $0.status().mode } == 0o640)
        // The folder is missing, and not what is to be made.
        #expect(#expect(throws: ParallaxError.self) { try File.openOrCreate(folder.path("gone/lock")) }?.code == .disk)
        let error = #expect(throws: ParallaxError.self) { try File.read("\(path)/below") }
        #expect(error?.code == .disk && error?.message == "cannot open \(path)/below: Not a directory")
    }

    @Test func whatIsWrittenIsReadWhereItWasWritten() throws {
        let folder = try TemporaryFolder("file")
        let file = try File.openOrCreate(folder.path("a"))
        try file.write(([1, 2, 3] as [UInt8]).span.bytes, at: 4)
        try file.write(([9] as [UInt8]).span.bytes, at: 0)
        #expect(try file.contents() == [9, 0, 0, 0, 1, 2, 3])
        #expect(try file.contents(from: 5) == [2, 3] && file.contents(from: 100) == [] && file.contents(atMost: 1) == [9])
        #expect(try file.bytes(at: 6, count: 10) == [3] && file.bytes(at: 7, count: 10) == [])
        try file.truncate(to: 5)
        let appended = try File.appendOrCreate(folder.path("a"))
        try appended.append([7, 8])
        try appended.sync()
        #expect(try file.contents() == [9, 0, 0, 0, 1, 7, 8] && file.size() == 7)
        // A descriptor for appending reads nothing, and the error says what was tried, and where.
        let error = #expect(throws: ParallaxError.self) { try appended.bytes(at: 2, count: 1) }
        #expect(error?.code == .disk && error?.message == "cannot read byte 2 of \(appended.path): Bad file descriptor")
    }

    @Test func aFullDiskSaysWhatToDo() throws {
        // The device that is always full.
        let file = try #require(try File.update("/dev/full"))
        let error = #expect(throws: ParallaxError.self) { try file.append([1]) }
        #expect(error?.code == .disk && error?.hint?.contains("Make room") == true)
    }

    @Test func aFileThatWasReplacedIsNotAtItsPath() throws {
        let folder = try TemporaryFolder("file")
        let path = folder.path("a")
        let file = try File.openOrCreate(path)
        let seen = try file.status()
        #expect(try file.isStillAtItsPath() && file.status() == seen)
        try file.write(([1] as [UInt8]).span.bytes, at: 0)
        #expect(try file.status() != seen && file.status().isSameFile(as: seen) && file.isStillAtItsPath())
        try Disk.write([2], to: path)
        #expect(try !file.isStillAtItsPath())
        try Disk.removeFile(path)
        #expect(try !file.isStillAtItsPath() && FileStatus.ifThere(path) == nil)
    }

    @Test func anExclusiveLockIsOnesOwn() throws {
        let folder = try TemporaryFolder("file")
        let first = try FileLock(folder.path("lock"))
        let second = try FileLock(folder.path("lock"))
        #expect(try first.tryLock() && !second.tryLock() && !second.tryLock(.shared))
        #expect(try !second.lock(until: .now, lookingEvery: 1))
        first.unlock()
        #expect(try second.tryLock(.shared) && first.tryLock(.shared) && !first.tryLock(.exclusive))
        second.unlock()
        #expect(try first.lock(until: .now + .seconds(60), lookingEvery: 100))
        // A folder is locked in the same way; and whoever lets go of the object lets go of the lock.
        var whole: FileLock? = FileLock(try File.folder(folder.path))
        #expect(try whole?.tryLock() == true)
        #expect(try !FileLock(File.folder(folder.path)).tryLock())
        whole = nil
        #expect(try FileLock(File.folder(folder.path)).tryLock())
    }
}
