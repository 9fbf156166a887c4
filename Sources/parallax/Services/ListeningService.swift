import Disk
import Foundation
import Logging
import ParallaxCore
import ServiceLifecycle
import ServingAPI

/// A server beside the layers: what keeps it from listening keeps nothing else from working, and is tried again.
struct ListeningService: Service {
    let server: any Service
    /// As the log calls it.
    let name: String
    /// Where its address stands while it listens.
    let file: String
    let pause: Duration
    /// Of the trouble.
    let level: Logger.Level
    let logger: Logger

    func run() async throws {
        defer { try? Disk.removeFile(file) }
        while true {
            do { return try await server.run() } catch let error as ParallaxError {
                logger.log(
                    level: level, "\(name) does not listen, and tries again",
                    metadata: ["error": "\([error.message, error.detail, error.hint].compactMap(\.self).joined(separator: "; "))"])
                // A shutdown ends the wait, and with it the service; so does whoever cancels it.
                do { try await cancelWhenGracefulShutdown { try await Task.sleep(for: pause) } } catch { return }
                if Interrupt.isRequested { return }
            }
        }
    }
}

extension Pipeline {
    /// Where a server shall listen; nil: off.
    func listenAddress(_ key: ConfigurationKey) throws(ParallaxError) -> ListenAddress? {
        guard let text = configuration.text(key), text != "off" else { return nil }
        guard let address = ListenAddress(text) else {
            throw ParallaxError(
                .configuration, "\(key.path): \"\(text)\" is no address",
                hint: "a host and a port, as in \(key.defaultText) or [::1]:\(key.defaultText.split(separator: ":").last ?? "0"), or off")
        }
        return address
    }

    /// The dashboard's address, once the API listens; nil before that, and where it is off. What listens on all addresses is at this machine's own name.
    var dashboard: String? {
        guard let text = try? String(contentsOfFile: apiAddress, encoding: .utf8),
            let address = ListenAddress(text.trimmingCharacters(in: .whitespacesAndNewlines))
        else {
            return nil
        }
        let host = ["0.0.0.0", "::"].contains(address.host) ? "localhost" : address.host
        return "http://\(ListenAddress(host: host, port: address.port))/"
    }

    /// What a server tells where it listens.
    static func writing(_ file: String, _ logger: Logger) -> @Sendable (ListenAddress) -> Void {
        { address in
            do { try Disk.write(Array("\(address)\n".utf8), to: file) } catch {
                logger.warning("where it listens is not written down", metadata: ["file": "\(file)", "error": "\(error)"])
            }
        }
    }
}
