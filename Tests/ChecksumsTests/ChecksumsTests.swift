import Checksums
import Testing

@Suite struct ChecksumsTests {
    /// The vectors of RFC 3720, appendix B.4, and the check value of the CRC catalogue.
    @Test func crc32cKnowsItsPublishedVectors() {
        func crc(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { crc32c($0) } }
        #expect(crc(Array("123456789".utf8)) == 0xE306_9283)
        #expect(crc([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(crc([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(crc((0..<32).map { UInt8($0) }) == 0x46DD_794E)
        #expect(crc([]) == 0)
    }

    @Test func crc32cOfPartsIsCRCOfTheWhole() {
        let bytes = (0..<1_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let whole = bytes.withUnsafeBytes { crc32c($0) }
        for split in [0, 1, 7, 8, 9, 500, 999, 1_000] {
            let first = bytes[..<split].withUnsafeBytes { crc32c($0) }
            #expect(bytes[split...].withUnsafeBytes { crc32c($0, continuing: first) } == whole)
        }
    }

    /// FIPS 180-4's example, and the empty string.
    @Test func sha256KnowsItsPublishedVectors() {
        #expect(Array("abc".utf8).withUnsafeBytes { sha256($0) } == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect([UInt8]().withUnsafeBytes { sha256($0) } == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }
}
