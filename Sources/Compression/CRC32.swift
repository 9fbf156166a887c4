import CZlib

/// CRC-32 as in gzip and in Parquet's page headers (polynomial 0x04C11DB7, reflected), continued from `crc` (0 to begin).
public func crc32(_ bytes: UnsafeRawBufferPointer, continuing crc: UInt32 = 0) -> UInt32 {
    guard let base = bytes.bindMemory(to: UInt8.self).baseAddress, !bytes.isEmpty else { return crc }
    return UInt32(truncatingIfNeeded: crc32_z(UInt(crc), base, bytes.count))
}
