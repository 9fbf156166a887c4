import ParallaxCore

extension OpenAPI {
    /// The part of docs/reference/api.md that lists the routes.
    var markdown: String {
        var lines: [String] = []
        for route in routes {
            lines += [
                "### `\(route.method.rawValue) \(route.path)`", "", route.summary + "." + (route.words.isEmpty ? "" : " " + route.words),
                "",
            ]
            if !route.parameters.isEmpty {
                lines += ["| parameter | in | |", "| --- | --- | --- |"]
                for parameter in route.parameters {
                    let name = "`\(parameter.name)`" + (parameter.isRepeated ? " (repeated)" : "")
                    lines.append("| \(name) | \(parameter.place.rawValue) | \(parameter.words) |")
                }
                lines.append("")
            }
            if let body = route.body {
                lines += ["Body: \(body.words) \(body.content.map { "`\($0.type)`" }.joined(separator: ", "))", ""]
            }
            for answer in route.answers {
                let types = answer.content.map { "`\($0.type)`" }.joined(separator: ", ")
                lines.append("- \(answer.status): \(answer.words)" + (types.isEmpty ? "" : " \(types)"))
            }
            lines.append("")
        }
        return lines.joined(separator: "\n")
    }
}
