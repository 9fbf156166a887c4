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
}
