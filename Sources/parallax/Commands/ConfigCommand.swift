import ArgumentParser
import ParallaxCore
import Postgres

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "What the settings are.",
        discussion: discussion("", example: "parallax config show --pipeline demo"), subcommands: [ConfigShowCommand.self])
}

struct ConfigShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Print every setting and where its value comes from.",
        discussion: discussion(
            "Flags override the environment, the environment overrides parallax.yaml, and that overrides the defaults. Secrets are masked.",
            example: "parallax config show --set speed.flush_interval=200ms"))

    @OptionGroup var options: PipelineOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let configuration = try options.pipeline().configuration
        if json {
            let members = configuration.shownKeys.map { key in
                let setting = configuration[key]
                return (
                    key.path,
                    JSONText.object([("value", .string(shown(key, setting))), ("source", .string(setting.origin.description))])
                )
            }
            return Terminal.print(JSONText.object(members).text())
        }
        var table = Table(("key", .left), ("value", .left), ("source", .left))
        for key in configuration.shownKeys {
            let setting = configuration[key]
            table.rows.append([key.path, shown(key, setting), setting.origin.description])
        }
        Terminal.write(table.text(), to: 1)
    }

    /// A connection string keeps what helps (host, database, user) and loses its password; any other secret is only said to be there.
    private func shown(_ key: ConfigurationKey, _ setting: Configuration.Setting) -> String {
        guard key.isSecret && !setting.text.isEmpty else { return setting.text }
        return key.path == ConfigurationKey.postgresURL.path ? Connection.masked(setting.text) : "***"
    }
}
