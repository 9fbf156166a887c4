import Disk
import ParallaxCore

extension ServerFolder {
    /// The major version that made the data; nil where there is none yet. Throws `.corrupt` where there is something else.
    func dataVersion() throws(ParallaxError) -> Int? {
        guard exists(data) else { return nil }
        guard let text = readFile("\(data)/PG_VERSION"), let version = Int(text.firstLine) else {
            throw ParallaxError(
                .corrupt, "the private PostgreSQL's data folder \(data) is damaged: its file PG_VERSION cannot be read",
                hint: "Restore the folder from a backup, or remove it: the batch layer can compute everything again from the archive.")
        }
        return version
    }

    /// Makes the data folder beside its place and moves it there when it is whole: whoever is killed in between leaves nothing half made.
    func initialize(_ programs: ServerPrograms) throws(ParallaxError) {
        let unfinished = "\(path)/data.new"
        _ = try asUser("/bin/rm", ["-rf", unfinished])
        let made = try asUser(
            programs.path("initdb"),
            [
                "--pgdata=\(unfinished)", "--username=parallax", "--locale=C", "--encoding=UTF8", "--auth-local=peer",
                "--auth-host=scram-sha-256",
            ])
        guard made.status == 0 else {
            _ = try asUser("/bin/rm", ["-rf", unfinished])
            throw ParallaxError(
                made.output.contains("No space left") ? .disk : .database,
                "initdb could not make the private PostgreSQL's data folder \(data)",
                detail: made.output.split(separator: "\n").suffix(12).joined(separator: "\n"))
        }
        try writeFile("\(unfinished)/pg_hba.conf", ServerSettings.clientAuthentication, owner: user)
        try writeFile("\(unfinished)/pg_ident.conf", ServerSettings.userMap(user), owner: user)
        let original = readFile("\(unfinished)/postgresql.conf") ?? ""
        try writeFile("\(unfinished)/postgresql.conf", original + ServerSettings.include, owner: user)
        try Disk.rename(unfinished, to: data)
        try Disk.syncFolder(path)
    }

    private func asUser(_ program: String, _ arguments: [String]) throws(ParallaxError) -> ChildProgram.Result {
        try user.running(program, arguments, environment: ["PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": path]).run()
    }
}
