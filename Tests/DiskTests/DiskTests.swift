import Checksums
import Disk
import Glibc
import ParallaxCore
import TestSupport
import Testing

@Suite struct DiskTests {
    @Test func aCopyIsWholeWithItsDigest() throws {
        let folder = try TemporaryFolder("disk")
        let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try Disk.write(bytes, to: folder.path("a"))
        var seen = 0
        let copied = try Disk.copy(folder.path("a"), to: folder.path("b")) { (count) throws(ParallaxError) in seen += count }
        #expect(copied.bytes == bytes.count && seen == bytes.count)
        #expect(copied.sha256 == bytes.withUnsafeBytes { sha256($0) })
        #expect(try Disk.read(folder.path("b")) == bytes)
        let first = try Disk.copy(folder.path("a"), to: folder.path("c"), firstBytes: 1_000)
        #expect(try first.bytes == 1_000 && Disk.read(folder.path("c")) == Array(bytes.prefix(1_000)))
        #expect(try Disk.names(in: folder.path) == ["a", "b", "c"])
    }

    @Test func whatIsNotAsExpectedIsNotCopied() throws {
        let folder = try TemporaryFolder("disk")
        try Disk.write([1, 2, 3], to: folder.path("a"))
        let wrong = #expect(throws: ParallaxError.self) {
            try Disk.copy(folder.path("a"), to: folder.path("b"), sha256: String(repeating: "0", count: 64))
        }
        #expect(wrong?.code == .corrupt)
        let short = #expect(throws: ParallaxError.self) { try Disk.copy(folder.path("a"), to: folder.path("b"), firstBytes: 4) }
        #expect(short?.code == .corrupt)
        let gone = #expect(throws: ParallaxError.self) { try Disk.copy(folder.path("x"), to: folder.path("b")) }
        #expect(gone?.code == .missing)
        let stopped = #expect(throws: ParallaxError.self) {
            try Disk.copy(folder.path("a"), to: folder.path("b")) { (_) throws(ParallaxError) in throw ParallaxError(.cancelled, "stop") }
        }
        #expect(stopped?.code == .cancelled)
        #expect(try Disk.names(in: folder.path) == ["a"])
    }

    @Test func aFolderGoesWithEverythingInItButNotWithWhatItLinksTo() throws {
        let folder = try TemporaryFolder("disk")
        try Disk.makeFolder(folder.path("outside"))
        try Disk.write([1], to: folder.path("outside/kept"))
        try Disk.makeFolder(folder.path("f/g/h"))
        try Disk.write([2], to: folder.path("f/g/h/file"))
        #expect(symlink(folder.path("outside"), folder.path("f/link")) == 0)
        try Disk.removeFolder(folder.path("f"))
        #expect(!Disk.exists(folder.path("f")) && Disk.exists(folder.path("outside/kept")))
        #expect(throws: ParallaxError.self) { try Disk.read(folder.path("outside/kept"), limit: 0) }
    }

    /// A folder is as open as the caller says, from what it is made in; one that is there stays as it is.
    @Test func aFolderIsMadeAsOpenAsItIsSaidTo() throws {
        let folder = try TemporaryFolder("disk")
        try Disk.makeFolder(folder.path("a/b"))
        #expect(FileStatus(folder.path("a"))?.mode == 0o700 && FileStatus(folder.path("a/b"))?.mode == 0o700)
        #expect(chmod(folder.path("a"), 0o750) == 0)
        try Disk.makeFolder(folder.path("a/c")) { _, parent in FileStatus(parent)?.mode ?? 0 }
        #expect(FileStatus(folder.path("a/c"))?.mode == 0o750 && FileStatus(folder.path("a/b"))?.mode == 0o700)
        try Disk.write([1], to: folder.path("a/file"))
        let error = #expect(throws: ParallaxError.self) { try Disk.makeFolder(folder.path("a/file")) }
        #expect(error?.code == .disk && error?.message.contains(folder.path("a/file")) == true)
    }

    /// "Nothing was ever made" and "it was taken away" are two things.
    @Test func whoNeedsAFolderIsToldThatItIsGone() throws {
        let folder = try TemporaryFolder("disk")
        #expect(try Disk.names(in: folder.path("gone")) == [])
        let error = #expect(throws: ParallaxError.self) { try Disk.names(inExisting: folder.path("gone")) }
        #expect(error?.code == .disk && error?.message.contains(folder.path("gone")) == true)
    }

    @Test func theEndOfAFileIsReadAlsoWhereItHasNoSize() throws {
        let folder = try TemporaryFolder("disk")
        let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 / 1_000) }
        try Disk.write(bytes, to: folder.path("a"))
        #expect(Disk.tail(folder.path("a"), bytes: 70_000) == bytes.suffix(70_000))
        #expect(Disk.tail(folder.path("a"), bytes: 1 << 20) == bytes)
        #expect(Disk.tail(folder.path("a"), bytes: 0) == [])
        #expect(Disk.tail(folder.path("gone")) == nil)
        // Files of /proc say that they are empty.
        #expect(FileStatus("/proc/self/stat")?.bytes == 0)
        #expect(try Disk.tail("/proc/self/stat")?.isEmpty == false && !Disk.read("/proc/self/stat").isEmpty)
    }

    @Test func aLinkIsLookedAtOrThrough() throws {
        let folder = try TemporaryFolder("disk")
        try Disk.write([1, 2], to: folder.path("a"))
        #expect(symlink(folder.path("a"), folder.path("link")) == 0 && symlink(folder.path("gone"), folder.path("dangling")) == 0)
        #expect(FileStatus(folder.path("link"))?.bytes == 2 && FileStatus(folder.path("link"), following: false)?.kind == .link)
        #expect(FileStatus(folder.path("dangling")) == nil && FileStatus(folder.path("dangling"), following: false)?.kind == .link)
        #expect(Disk.linkTarget(folder.path("dangling")) == folder.path("gone") && Disk.linkTarget(folder.path("a")) == nil)
        #expect(Disk.realPath(folder.path("link")) == Disk.realPath(folder.path("a")) && Disk.realPath(folder.path("dangling")) == nil)
        // What root writes does not go to where somebody else's link leads.
        #expect(throws: ParallaxError.self) { try File.openOrCreate(folder.path("dangling"), followsLinks: false) }
        try Disk.write([3], to: folder.path("link"))
        #expect(try Disk.read(folder.path("a")) == [1, 2] && FileStatus(folder.path("link"), following: false)?.kind == .file)
    }
}
