import CKafka
import Glibc

/// The C library's heap, which librdkafka's messages and our batches come from.
public enum KafkaHeap {
    /// For programs that read logs: keeps memory that was freed for the next batch, up to 64 MiB, instead of giving it back to the kernel.
    ///
    /// Batches of some hundred kB come and go all the time. By default each goes back when it is freed, and the next one is faulted in anew, page by
    /// page: a fifth of what reading a record from Kafka costs our client (docs/benchmarks.md). glibc's own variables (`MALLOC_TRIM_THRESHOLD_`
    /// and the others) go first where somebody has set them.
    public static func keepFreedMemory() {
        let variables = ["MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TOP_PAD_", "GLIBC_TUNABLES"]
        guard variables.allSatisfy({ getenv($0) == nil }) else { return }
        // mallopt(3). 32 MiB is the largest that glibc would come to by itself for the second.
        mallopt(M_TRIM_THRESHOLD, 64 << 20)
        mallopt(M_MMAP_THRESHOLD, 32 << 20)
        mallopt(M_TOP_PAD, 1 << 20)
    }
}
