import ParallaxCore

/// The texts of the server's configuration files.
struct ServerSettings {
    static let socketOnlyPort = 5432

    var socketFolder: String
    /// 127.0.0.1 only; nil: no TCP at all.
    var tcpPort: Int?

    /// `data/parallax.conf`, written again at each start. postgresql.conf reads it after initdb's settings, which it replaces, and before
    /// what people add at the end, which therefore wins.
    var text: String {
        """
        # Written by parallax at each start. Add to the end of postgresql.conf instead: what stands there wins.
        listen_addresses = '\(tcpPort == nil ? "" : "127.0.0.1")'
        port = \(tcpPort ?? Self.socketOnlyPort)
        unix_socket_directories = '\(socketFolder)'
        unix_socket_permissions = 0700
        max_connections = 100
        # Modest: the machine's own page cache does the rest, and the layers want memory too.
        shared_buffers = 128MB
        max_wal_size = 2GB
        # Our statements are many and short; compiling them costs more than it saves.
        jit = off
        timezone = 'UTC'
        log_timezone = 'UTC'
        # A file a weekday, overwritten a week later. Statements stay out of it: they hold people's values.
        logging_collector = on
        log_directory = '../log'
        log_filename = 'postgresql-%a.log'
        log_rotation_age = 1d
        log_rotation_size = 0
        log_truncate_on_rotation = on
        log_file_mode = 0600
        log_min_messages = warning
        log_min_error_statement = panic
        cluster_name = 'parallax'

        """
    }

    /// Who may connect. Over the socket the kernel tells the server who calls (peer), and only root and the server's user become
    /// `parallax` or its readers' role, whatever the modes of files; over TCP a password is due.
    static let clientAuthentication = """
        # Written by parallax when it made this server.
        local all parallax peer map=parallax
        local all all scram-sha-256
        host all all 127.0.0.1/32 scram-sha-256

        """

    /// For servers that were made before there was a role for readers. It is put before the lines that are there, for the first line that fits
    /// decides.
    static let readerAuthentication = "local all \(PrivatePostgres.readerRole) peer map=parallax\n"

    static func readerMap(_ user: ServerUser) -> String {
        let name = user.name.replacing("\"", with: "\"\"")
        return "parallax \"\(name)\" \(PrivatePostgres.readerRole)\nparallax root \(PrivatePostgres.readerRole)\n"
    }

    static func userMap(_ user: ServerUser) -> String {
        let name = user.name.replacing("\"", with: "\"\"")
        return """
            # Written by parallax when it made this server.
            parallax "\(name)" parallax
            parallax root parallax

            """
    }

    /// At the end of postgresql.conf.
    static let include = """

        # parallax's settings, written again at each start. Yours go below this line, and win.
        include_if_exists = 'parallax.conf'

        """
}
