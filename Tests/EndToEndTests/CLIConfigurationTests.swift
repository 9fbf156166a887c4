import Foundation
import KafkaLog
import ParallaxCore
import Testing

@testable import parallax

@Suite struct CLIConfigurationTests {
    private func resolve(
        _ yaml: String? = nil, environment: [String: String] = [:], flags: [String] = [], files: [String: String] = [:]
    ) -> (configuration: Configuration, problems: [String]) {
        let file = yaml.map { ConfigurationFile(yaml: $0, name: "parallax.yaml") }
        let (configuration, problems) = Configuration.resolve(file: file, environment: environment, flags: flags) {
            name throws(ParallaxError) in
            guard let text = files[name] else { throw ParallaxError(.missing, "cannot read \"\(name)\"") }
            return text
        }
        return (configuration, problems.map(\.description))
    }

    @Test func everyKeyHasADefaultThatIsSound() {
        let (configuration, problems) = resolve()
        #expect(problems.isEmpty)
        for key in ConfigurationKey.all { #expect(configuration[key].origin == .defaultValue, "\(key.path)") }
        #expect(configuration.duration(.speedFlushInterval) == .milliseconds(500))
        #expect(configuration.optionalDuration(.batchInterval) == .seconds(300))
        #expect(configuration.text(.postgresURL) == nil)
    }

    @Test func keysAreDistinct() {
        #expect(Set(ConfigurationKey.all.map(\.path)).count == ConfigurationKey.all.count)
        #expect(Set(ConfigurationKey.all.map(\.environmentVariable)).count == ConfigurationKey.all.count)
    }

    @Test func flagsOverrideEnvironmentOverridesFileOverridesDefault() {
        let yaml = "speed:\n  flush_interval: 100ms\n"
        let environment = ["PARALLAX_SPEED_FLUSH_INTERVAL": "200ms"]
        #expect(resolve(yaml).configuration.duration(.speedFlushInterval) == .milliseconds(100))
        #expect(resolve(yaml).configuration[.speedFlushInterval].origin == .file(line: 2))
        #expect(resolve(yaml, environment: environment).configuration.duration(.speedFlushInterval) == .milliseconds(200))
        let all = resolve(yaml, environment: environment, flags: ["speed.flush_interval=1s", "speed.flush_interval=2s"])
        #expect(all.configuration.duration(.speedFlushInterval) == .seconds(2))
        #expect(all.configuration[.speedFlushInterval].origin == .flag)
    }

    @Test func everythingThatIsWrongIsReportedAtOnceWithPlacesAndSuggestions() {
        let yaml = """
            log:
              partitons: 3
              kind: files
            sped:
              flush_interval: 1s
            speed:
              lease: soon
            batch:
              keep_publications: 0
            flush_interval: 3
            """
        let environment = ["PARALLAX_LOG_PARTITION": "3", "PARALLAX_FAULT": "speed.afterCommit"]
        let (_, problems) = resolve(yaml, environment: environment, flags: ["batch.intervall=3", "nonsense"])
        #expect(
            problems == [
                "parallax.yaml:2:3: error: unknown key \"log.partitons\"\n    hint: did you mean \"log.partitions\"?",
                "parallax.yaml:4:1: error: unknown section \"sped\"\n    hint: did you mean \"speed\"?",
                "parallax.yaml:10:1: error: unknown section \"flush_interval\"\n    hint: did you mean \"speed.flush_interval\"?",
                "parallax.yaml:3:9: error: log.kind must be embedded or kafka, not \"files\"",
                "parallax.yaml:7:10: error: speed.lease must be a duration such as 500ms, 5s or 2 hours, not \"soon\"",
                "parallax.yaml:9:22: error: batch.keep_publications must be at least 1 and at most 1000, not 0",
                "PARALLAX_LOG_PARTITION: error: no setting has this name\n    hint: did you mean \"PARALLAX_LOG_PARTITIONS\"?",
                "--set: error: unknown key \"batch.intervall\"\n    hint: did you mean \"batch.interval\"?",
                "--set: error: \"nonsense\" must look like KEY=VALUE",
            ])
    }

    @Test(arguments: [
        ("log: [1, 2]", "parallax.yaml:1:6: error: \"log\" must hold settings, one a line and indented, not a single value"),
        ("- 1", "parallax.yaml:1:1: error: the file must hold sections such as \"speed:\", not a single value or a list"),
        ("log:\n  kind: {a: 1}", "parallax.yaml:2:9: error: \"log.kind\" must be a single value"),
        ("log:\n  kind: kafka", "parallax.yaml:2: error: log.kind is \"kafka\", and log.kafka.brokers is not set"),
    ])
    func aFileOfTheWrongShapeIsRefused(yaml: String, problem: String) {
        let problems = resolve(yaml).problems
        #expect(problems.count == 1)
        #expect(problems.first?.hasPrefix(problem) == true, "\(problems)")
    }

    @Test(arguments: ["log: {", "log:\n\tkind: embedded", "log:\n  kind: embedded\nlog:\n  kind: embedded", "a: 1\n---\nb: 2"])
    func textThatIsNoYAMLIsRefusedWithItsPlace(yaml: String) {
        let problems = resolve(yaml).problems
        #expect(problems.count == 1)
        #expect(problems.first?.hasPrefix("parallax.yaml") == true)
    }

    @Test(arguments: ["", "# nothing\n", "log:\n", "log:\n  kind:\n", "log: ~\n"])
    func nothingSaidIsTheDefault(yaml: String) {
        let (configuration, problems) = resolve(yaml)
        #expect(problems.isEmpty)
        #expect(configuration.text(.logKind) == "embedded")
    }

    @Test func secretsComeFromFilesAndNeverShow() {
        let url = "postgresql://ann:s3cret@host/db"
        let (fromVariable, none) = resolve(environment: ["PARALLAX_POSTGRES_URL_FILE": "url"], files: ["url": url + "\n"])
        #expect(none.isEmpty)
        #expect(fromVariable.text(.postgresURL) == url)
        let (both, problems) = resolve("postgres:\n  url: \(url)\n  url_file: u\n", files: ["u": url])
        #expect(both.text(.postgresURL) == url)
        #expect(problems == ["parallax.yaml:3: error: postgres.url and postgres.url_file are both set\n    hint: keep one of them"])
        #expect(resolve("postgres:\n  url_file: gone\n").problems.first?.contains("cannot read \"gone\"") == true)
    }

    @Test func secretsOfKafkaComeFromFilesOrTheEnvironmentAndNeverShow() {
        let yaml = "log:\n  kafka:\n    properties:\n      sasl.password_file: f\n"
        let key = ConfigurationKey("log.kafka.properties.sasl.password", .text, default: "")
        let files = ["f": "from file\n", "g": "from another\n"]
        #expect(resolve(yaml, files: files).configuration.text(key) == "from file")
        let variable = ["PARALLAX_LOG_KAFKA_PROPERTIES_SASL_PASSWORD_FILE": "g"]
        #expect(resolve(yaml, environment: variable, files: files).configuration.text(key) == "from another")
        let plain = resolve(environment: ["PARALLAX_LOG_KAFKA_PROPERTIES_SASL_PASSWORD": "plain"]).configuration
        #expect(plain.text(key) == "plain" && plain.kafkaPropertyKeys.map(\.isSecret) == [true])
        // Given empty, it is no file, and no property of librdkafka either.
        let (none, problems) = resolve(
            yaml, flags: ["log.kafka.properties.sasl.password_file=", "log.kafka.properties.sasl.password=typed"], files: files)
        #expect(problems.isEmpty && none.text(key) == "typed" && none.kafkaPropertyKeys.map(\.path) == [key.path])
        #expect(resolve(yaml).problems.first?.contains("cannot read \"f\"") == true)
    }

    /// Every block of configuration in docs/kafka.md is taken by Parallax and by librdkafka, and shows no secret.
    @Test func theExamplesOfTheKafkaPageAreTaken() throws {
        let root = (0..<3).reduce(#filePath) { path, _ in (path as NSString).deletingLastPathComponent }
        let page = try String(contentsOfFile: "\(root)/docs/kafka.md", encoding: .utf8)
        let examples = page.matches(of: /```yaml\n((?:.|\n)*?)```/).map { String($0.1) }
        #expect(examples.count >= 3)
        for example in examples {
            let secrets = ["/run/secrets/kafka-password": "hunter2\n", "/run/secrets/kafka-key-password": "hunter3\n"]
            let (configuration, problems) = resolve(example, files: secrets)
            #expect(problems.isEmpty && configuration.text(.logKind) == "kafka")
            var properties: [String: String] = [:]
            for key in configuration.kafkaPropertyKeys {
                let name = String(key.path.dropFirst(ConfigurationKey.kafkaPropertyPrefix.count))
                let value = try #require(configuration.text(key))
                #expect(key.isSecret == value.hasPrefix("hunter"), "\(name)")
                // There are no such certificates here.
                if !name.hasSuffix(".location") { properties[name] = value }
            }
            _ = try KafkaLog(
                source: "s",
                settings: KafkaSettings(brokers: try #require(configuration.text(.logKafkaBrokers)), topic: "t", properties: properties))
        }
    }

    @Test(arguments: [
        ("500ms", Duration.milliseconds(500)), ("0", .zero), ("0.5 s", .milliseconds(500)), ("5 minutes", .seconds(300)),
        ("1h", .seconds(3_600)), ("2 days", .seconds(172_800)), ("90sec", .seconds(90)), ("250us", .microseconds(250)),
    ])
    func durationsAreNumbersWithUnits(text: String, duration: Duration) {
        #expect(Duration(words: text) == duration)
        #expect(Duration(words: duration.words) == duration, "\(duration.words)")
    }

    @Test(arguments: ["", "5", "s", "5 parsecs", "-1s", "1e400s", "nan s", "1000000000000 days"])
    func whatIsNoDurationIsRefused(text: String) { #expect(Duration(words: text) == nil) }

    @Test(arguments: [("64MiB", 64 << 20), ("1 GB", 1_000_000_000), ("512", 512), ("10_000", 10_000), ("1k", 1_024)])
    func sizesAreNumbersWithUnits(text: String, bytes: Int) { #expect(ConfigurationKey.parseBytes(text) == bytes) }

    @Test(arguments: ["", "MiB", "-1", "9999999999999 TiB", "1.5GiB", "12 apples"])
    func whatIsNoSizeIsRefused(text: String) { #expect(ConfigurationKey.parseBytes(text) == nil) }

    @Test func theExampleIsTheDefaults() {
        let (configuration, problems) = resolve(Configuration.example())
        #expect(problems.isEmpty)
        for key in ConfigurationKey.all { #expect(configuration[key].origin == .defaultValue, "\(key.path)") }
        // Every line that can be put into force can be: the comment marks are taken away from all of them.
        let uncommented = Configuration.example().split(separator: "\n").map { line in
            line.hasPrefix("  #") && !line.hasPrefix("  # ") ? "  " + line.dropFirst(3) : String(line)
        }.joined(separator: "\n")
        let all = resolve(uncommented)
        #expect(all.problems.isEmpty)
        #expect(all.configuration[.logPartitions].origin != .defaultValue)
    }
}
