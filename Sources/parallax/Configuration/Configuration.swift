import ParallaxCore

/// The settings of a pipeline, each with where it came from: flags before environment before file before defaults.
struct Configuration: Sendable {
    enum Origin: Sendable, Equatable, CustomStringConvertible {
        case defaultValue
        case file(line: Int)
        case environment(String)
        case flag

        var description: String {
            switch self {
            case .defaultValue: "default"
            case .file(let line): "parallax.yaml:\(line)"
            case .environment(let name): "environment \(name)"
            case .flag: "--set"
            }
        }
    }

    struct Setting: Sendable, Equatable {
        var value: ConfigurationValue
        /// As it was written.
        var text: String
        var origin: Origin
    }

    private(set) var settings: [String: Setting] = [:]

    /// The texts that a file, the environment and flags give, resolved and parsed.
    ///
    /// - Parameters:
    ///   - flags: `KEY=VALUE`, the last one wins.
    ///   - readFile: reads the file that `postgres.url_file` names; throws what a person should read.
    /// Everything that is wrong is in `problems`, in the order file, environment, flags.
    static func resolve(
        file: ConfigurationFile?, fileName: String = "parallax.yaml", environment: [String: String], flags: [String],
        readFile: (String) throws(ParallaxError) -> String
    ) -> (configuration: Configuration, problems: [ConfigurationProblem]) {
        var configuration = Configuration()
        var problems = file?.problems ?? []
        func take(_ key: ConfigurationKey, _ text: String, _ origin: Origin, place: String) {
            do throws(ConfigurationKey.Unusable) {
                configuration.settings[key.path] = Setting(value: try key.parse(text), text: text, origin: origin)
            } catch {
                problems.append(ConfigurationProblem(place: place, message: "\(key.path) \(error.reason)"))
            }
        }

        for key in ConfigurationKey.all {
            guard let value = try? key.parse(key.defaultText) else { preconditionFailure("the default of \(key.path) does not parse") }
            configuration.settings[key.path] = Setting(value: value, text: key.defaultText, origin: .defaultValue)
            if let entry = file?.entries[key.path] {
                take(key, entry.text, .file(line: entry.line), place: "\(fileName):\(entry.line):\(entry.column)")
            }
        }
        for (path, entry) in (file?.entries ?? [:]).sorted(by: { $0.key < $1.key }) {
            guard let key = ConfigurationKey.kafkaProperty(path) else { continue }
            take(key, entry.text, .file(line: entry.line), place: "\(fileName):\(entry.line):\(entry.column)")
        }
        problems += unknownVariables(environment)
        for name in environment.keys.sorted() {
            guard let key = ConfigurationKey.kafkaProperty(variable: name), let text = environment[name] else { continue }
            take(key, text, .environment(name), place: name)
        }
        for key in ConfigurationKey.all {
            if let text = environment[key.environmentVariable] {
                take(key, text, .environment(key.environmentVariable), place: key.environmentVariable)
            }
        }
        for flag in flags {
            let path = String(flag.prefix { $0 != "=" })
            guard flag.contains("=") else {
                problems.append(ConfigurationProblem(place: "--set", message: "\"\(flag)\" must look like KEY=VALUE"))
                continue
            }
            guard let key = ConfigurationKey.named(path) else {
                let nearest = nearestName(to: path, among: ConfigurationKey.all.map(\.path))
                problems.append(
                    ConfigurationProblem(
                        place: "--set", message: "unknown key \"\(path)\"", hint: nearest.map(didYouMean)))
                continue
            }
            take(key, String(flag.dropFirst(path.count + 1)), .flag, place: "--set")
        }
        configuration.check(&problems, readFile)
        return (configuration, problems)
    }

    /// What no key alone can know.
    private mutating func check(_ problems: inout [ConfigurationProblem], _ readFile: (String) throws(ParallaxError) -> String) {
        if text(.logKind) == "kafka" && text(.logKafkaBrokers) == nil {
            problems.append(
                ConfigurationProblem(
                    place: place(.logKind), message: "log.kind is \"kafka\", and log.kafka.brokers is not set",
                    hint: "name some brokers: log.kafka.brokers: host:9092"))
        }
        readKafkaPropertyFiles(&problems, readFile)
        guard let path = text(.postgresURLFile) else { return }
        if isSet(.postgresURL) {
            problems.append(
                ConfigurationProblem(
                    place: place(.postgresURLFile), message: "postgres.url and postgres.url_file are both set", hint: "keep one of them"))
            return
        }
        do throws(ParallaxError) {
            let url = try readFile(path).trimmingSpaces
            settings[ConfigurationKey.postgresURL.path] = Setting(value: .text(url), text: url, origin: self[.postgresURLFile].origin)
        } catch {
            problems.append(ConfigurationProblem(place: place(.postgresURLFile), message: error.message, hint: error.detail))
        }
    }

    /// `sasl.password_file: PATH` becomes `sasl.password`: secrets need not stand in the file or the environment.
    private mutating func readKafkaPropertyFiles(
        _ problems: inout [ConfigurationProblem], _ readFile: (String) throws(ParallaxError) -> String
    ) {
        let ending = ConfigurationKey.kafkaPropertyFileEnding
        for key in kafkaPropertyKeys where key.path.hasSuffix(ending) {
            guard let target = ConfigurationKey.kafkaProperty(String(key.path.dropLast(ending.count))) else { continue }
            guard let path = text(key) else {
                // Given empty, such as on the command line against the file: no file.
                settings[key.path] = nil
                continue
            }
            let origin = self[key].origin
            do throws(ParallaxError) {
                let value = try readFile(path).trimmingSpaces
                settings[key.path] = nil
                settings[target.path] = Setting(value: .text(value), text: value, origin: origin)
            } catch {
                problems.append(ConfigurationProblem(place: place(key), message: error.message, hint: error.detail))
            }
        }
    }

    private func place(_ key: ConfigurationKey) -> String {
        switch self[key].origin {
        case .environment(let name): name
        case .file(let line): "parallax.yaml:\(line)"
        case .flag: "--set"
        case .defaultValue: key.path
        }
    }

    /// Variables that look like settings and are none: a misspelt one must not be passed over in silence.
    private static func unknownVariables(_ environment: [String: String]) -> [ConfigurationProblem] {
        let known = ConfigurationKey.all.map(\.environmentVariable)
        let sections = ConfigurationKey.sections.map { "PARALLAX_\($0.uppercased())_" }
        return environment.keys.sorted().filter { name in
            sections.contains { name.hasPrefix($0) } && !known.contains(name) && ConfigurationKey.kafkaProperty(variable: name) == nil
        }.map { name in
            ConfigurationProblem(
                place: name, message: "no setting has this name",
                hint: nearestName(to: name, among: known).map(didYouMean))
        }
    }

    subscript(_ key: ConfigurationKey) -> Setting {
        guard let setting = settings[key.path] else { preconditionFailure("\(key.path) is not in the table of keys") }
        return setting
    }
}

extension Configuration {
    /// The properties of librdkafka that are set, by name.
    var kafkaPropertyKeys: [ConfigurationKey] { settings.keys.sorted().compactMap { ConfigurationKey.kafkaProperty($0) } }

    /// Every key that has a value: the table's, then librdkafka's.
    var shownKeys: [ConfigurationKey] { ConfigurationKey.all + kafkaPropertyKeys }

    func isSet(_ key: ConfigurationKey) -> Bool { text(key) != nil }

    func integer(_ key: ConfigurationKey) -> Int {
        switch self[key].value {
        case .integer(let value), .bytes(let value): value
        default: preconditionFailure("\(key.path) is not a number")
        }
    }

    /// Nil: off.
    func optionalDuration(_ key: ConfigurationKey) -> Duration? {
        guard case .duration(let value) = self[key].value else { preconditionFailure("\(key.path) is not a duration") }
        return value
    }

    func duration(_ key: ConfigurationKey) -> Duration {
        guard let value = optionalDuration(key) else { preconditionFailure("\(key.path) cannot be off") }
        return value
    }

    /// Of one.
    func share(_ key: ConfigurationKey) -> Double {
        guard case .share(let value) = self[key].value else { preconditionFailure("\(key.path) is not a share") }
        return value
    }

    /// Nil: not set.
    func text(_ key: ConfigurationKey) -> String? {
        guard case .text(let value) = self[key].value else { preconditionFailure("\(key.path) is not a text") }
        return value
    }
}
