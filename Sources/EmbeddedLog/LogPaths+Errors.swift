import ParallaxCore

extension LogPaths {
    func corrupt(_ partition: Partition, offset: Int64, file: String, position: Int, _ what: String, hint: String? = nil) -> ParallaxError {
        ParallaxError(
            .corrupt,
            "the log of source \"\(source)\" is damaged at byte \(position) of \(file) (partition \(partition), offset \(offset)): \(what)",
            hint: hint ?? "Restore the file from a copy. Records below the offset are unharmed; nothing was cut.")
    }

    func damaged(_ damage: LogDamage) -> ParallaxError {
        ParallaxError(
            .corrupt, "the log of source \"\(source)\" is damaged: \(damage.words)",
            hint:
                "Restore the file from a copy. Where there is none: parallax archive accept-gap gives up these offsets, and nothing else. The records "
                + "before and behind them are unharmed.")
    }

    func missingSegment(_ partition: Partition, offset: Int64, file: String) -> ParallaxError {
        ParallaxError(
            .corrupt, "the log of source \"\(source)\" lacks \(file), which holds partition \(partition) from offset \(offset) on",
            hint: "Restore the file from a copy.")
    }

    func gone(_ partition: Partition, requested: Offset, _ end: DurableEnd) -> ParallaxError {
        ParallaxError(
            .offsetGone, "offset \(requested) of partition \(partition) of source \"\(source)\" is not in the log",
            detail: "The log holds offsets from \(end.earliest) up to, not including, \(end.end).")
    }

    func noPartition(_ partition: Partition, of count: Int) -> ParallaxError {
        ParallaxError(.missing, "source \"\(source)\" has no partition \(partition): it has \(count)")
    }
}
