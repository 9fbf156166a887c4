extension Configuration {
    /// The `parallax.yaml` that `parallax init` writes: every key, commented out at its default, but for those in `given`.
    static func example(_ given: [String: String] = [:]) -> String {
        var lines = [
            "# A Parallax pipeline. Every key has a default: what is commented out shows it.",
            "# An environment variable overrides a key (speed.flush_interval: PARALLAX_SPEED_FLUSH_INTERVAL), and --set KEY=VALUE overrides both.",
            "# `parallax config show` prints what is in force and where it comes from.",
        ]
        for section in ConfigurationKey.sections {
            let keys = ConfigurationKey.all.filter { $0.section == section }
            lines += ["", "\(section):"]
            for key in keys {
                lines += key.comment.map { "  # \($0)" }
                if let text = given[key.path] {
                    lines.append("  \(key.name): \(text)")
                } else {
                    lines.append("  #\(key.name):\(key.defaultText.isEmpty ? "" : " \(key.defaultText)")")
                }
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
