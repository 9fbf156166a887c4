import ParallaxCore
import Yams

/// One thing that is wrong with the configuration, ready to print.
struct ConfigurationProblem: Equatable, Sendable, CustomStringConvertible {
    /// `parallax.yaml:3:5`, `PARALLAX_LOG_KIND`, `--set`.
    var place: String
    var message: String
    var hint: String?

    var description: String {
        "\(place): error: \(message)" + (hint.map { "\n    hint: \($0)" } ?? "")
    }
}

/// The settings that a `parallax.yaml` names, as texts, with the place of each.
struct ConfigurationFile: Equatable {
    struct Entry: Equatable {
        var text: String
        var line: Int
        var column: Int
    }
    var entries: [String: Entry] = [:]
    var problems: [ConfigurationProblem] = []

    /// Reads YAML text. `name` is what places begin with. Never throws: everything that is wrong is in `problems`.
    init(yaml: String, name: String) {
        // Only comments: no settings.
        guard let parser = try? Parser(yaml: yaml) else {
            problems.append(ConfigurationProblem(place: name, message: "cannot be read as YAML"))
            return
        }
        let root: Node?
        do {
            root = try parser.singleRoot()
        } catch {
            problems.append(Self.problem(of: error, name: name))
            return
        }
        guard let root, !root.isEmptyScalar else { return }
        guard let sections = root.mapping else {
            problems.append(
                ConfigurationProblem(
                    place: Self.place(name, root), message: "the file must hold sections such as \"speed:\", not a single value or a list"))
            return
        }
        for (key, value) in sections { readSection(key, value, name: name) }
    }

    private mutating func readSection(_ key: Node, _ value: Node, name: String) {
        guard let section = key.scalar?.string else {
            problems.append(ConfigurationProblem(place: Self.place(name, key), message: "a section's name must be a word"))
            return
        }
        let known = ConfigurationKey.sections
        guard known.contains(section) else {
            let nearest = nearestName(to: section, among: known) ?? Self.fullName(ofLast: section)
            problems.append(
                ConfigurationProblem(
                    place: Self.place(name, key), message: "unknown section \"\(section)\"",
                    hint: nearest.map(didYouMean) ?? "sections: \(known.joined(separator: ", "))"))
            return
        }
        if value.isEmptyScalar { return }
        guard let settings = value.mapping else {
            problems.append(
                ConfigurationProblem(
                    place: Self.place(name, value),
                    message: "\"\(section)\" must hold settings, one a line and indented, not a single value"))
            return
        }
        for (key, value) in settings { readSetting(section, key, value, name: name) }
    }

    private mutating func readSetting(_ section: String, _ key: Node, _ value: Node, name: String) {
        let word = key.scalar?.string ?? ""
        let path = "\(section).\(word)"
        // log.kafka, log.kafka.properties: a section within a section.
        let isInner =
            (path + ".") == ConfigurationKey.kafkaPropertyPrefix || ConfigurationKey.all.contains { $0.path.hasPrefix(path + ".") }
        if isInner, ConfigurationKey.all.allSatisfy({ $0.path != path }) {
            if value.isEmptyScalar { return }
            if let inner = value.mapping {
                for (key, value) in inner { readSetting(path, key, value, name: name) }
                return
            }
        }
        guard ConfigurationKey.named(path) != nil else {
            let siblings = ConfigurationKey.all.filter { $0.path.hasPrefix(section + ".") }.map {
                String($0.path.dropFirst(section.count + 1))
            }
            let nearest = nearestName(to: word, among: siblings).map { "\(section).\($0)" } ?? Self.fullName(ofLast: word)
            problems.append(
                ConfigurationProblem(
                    place: Self.place(name, key), message: "unknown key \"\(path)\"",
                    hint: nearest.map(didYouMean) ?? "keys of \"\(section)\": \(siblings.joined(separator: ", "))"))
            return
        }
        guard let scalar = value.scalar else {
            problems.append(ConfigurationProblem(place: Self.place(name, value), message: "\"\(path)\" must be a single value"))
            return
        }
        // `key:` and `key: null` leave the default.
        if value.isEmptyScalar { return }
        entries[path] = Entry(text: scalar.string, line: value.mark?.line ?? 0, column: value.mark?.column ?? 0)
    }

    /// The key of any section whose last part is this word: people forget the section.
    private static func fullName(ofLast word: String) -> String? {
        ConfigurationKey.all.first { $0.name == word }?.path
    }

    private static func place(_ name: String, _ node: Node) -> String {
        node.mark.map { "\(name):\($0.line):\($0.column)" } ?? name
    }

    private static func problem(of error: any Error, name: String) -> ConfigurationProblem {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
            return ConfigurationProblem(place: "\(name):\(mark.line):\(mark.column)", message: problem)
        case .duplicatedKeysInMapping(let duplicates, let context):
            return ConfigurationProblem(
                place: "\(name):\(context.mark.line):\(context.mark.column)",
                message: "given twice: \(duplicates.map { "\"\($0)\"" }.joined(separator: ", "))")
        case .reader(let problem, _, _, _):
            return ConfigurationProblem(place: name, message: problem)
        default:
            return ConfigurationProblem(place: name, message: "cannot be read as YAML: \(error)")
        }
    }
}

extension Node {
    /// Nothing, or YAML's null written plainly.
    fileprivate var isEmptyScalar: Bool {
        guard let scalar else { return false }
        return scalar.style == .plain && ["", "~", "null"].contains(scalar.string)
    }
}
