import Foundation
import Glibc
import ParallaxCore
import TestSupport

/// HTTP/1.1 over a socket of the test's own: it sees every byte, and can be as slow and as rude as it likes.
final class HTTPClient {
    struct Answer {
        var status: Int
        /// Names in lower case.
        var headers: [String: String]
        var body: Data
        /// False where the connection ended before the body did.
        var isWhole: Bool

        var text: String { String(decoding: body, as: UTF8.self) }
        var json: Any? { try? JSONSerialization.jsonObject(with: body) }
        var object: [String: Any] { json as? [String: Any] ?? [:] }
        var rows: [[String: Any]] { object["rows"] as? [[String: Any]] ?? [] }
        var code: String? { object["code"] as? String }
    }

    let descriptor: Int32
    private let address: String
    private var buffer = Data()

    /// - Parameter address: `127.0.0.1:8321`.
    init(_ address: String, receiveBuffer: Int32? = nil) throws {
        let parts = address.split(separator: ":")
        self.address = address
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard parts.count == 2, let port = UInt16(parts[1]) else { throw HTTPClientError("no address: \(address)") }
        if var size = receiveBuffer { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size)) }
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_port = port.bigEndian
        inet_pton(AF_INET, String(parts[0]), &place.sin_addr)
        let connected = withUnsafePointer(to: &place) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard connected == 0 else {
            close(descriptor)
            throw HTTPClientError("cannot connect to \(address): \(String(cString: strerror(errno)))")
        }
        // No test waits for ever.
        var patience = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    /// One request on a connection of its own.
    static func get(_ address: String, _ path: String, _ headers: [String: String] = [:], method: String = "GET", body: Data? = nil) throws
        -> Answer
    {
        let client = try HTTPClient(address)
        try client.send(method, path, headers, body)
        return try client.answer(isHead: method == "HEAD")
    }

    func send(_ method: String, _ path: String, _ headers: [String: String] = [:], _ body: Data? = nil) throws {
        var head = "\(method) \(path) HTTP/1.1\r\n"
        for (name, value) in headers.merging(["Host": address], uniquingKeysWith: { given, _ in given }) { head += "\(name): \(value)\r\n" }
        if let body { head += "Content-Length: \(body.count)\r\n" }
        try send(Data((head + "\r\n").utf8) + (body ?? Data()))
    }

    func send(_ bytes: Data) throws {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { throw HTTPClientError("the connection is closed") }
            rest = rest.dropFirst(count)
        }
    }

    /// False at the end of the connection.
    private func fill() throws -> Bool {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        if count < 0 && errno != ECONNRESET { throw HTTPClientError("no answer: \(String(cString: strerror(errno)))") }
        guard count > 0 else { return false }
        buffer.append(contentsOf: bytes[..<count])
        return true
    }

    /// A line without its end; nil at the end of the connection.
    func line() throws -> String? {
        while true {
            if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
                let line = buffer[buffer.startIndex..<end]
                buffer = Data(buffer[buffer.index(after: end)...])
                return String(decoding: line, as: UTF8.self).trimmingCharacters(in: ["\r"])
            }
            guard try fill() else { return nil }
        }
    }

    private func bytes(_ count: Int) throws -> Data? {
        while buffer.count < count { guard try fill() else { return nil } }
        let found = Data(buffer.prefix(count))
        buffer = Data(buffer.dropFirst(count))
        return found
    }

    /// The status line and the fields.
    func head() throws -> (status: Int, headers: [String: String]) {
        guard let first = try line(), let status = Int(first.split(separator: " ").dropFirst().first ?? "") else {
            throw HTTPClientError("no answer")
        }
        var headers: [String: String] = [:]
        while let line = try line(), !line.isEmpty {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        return (status, headers)
    }

    /// A chunk of a chunked body; empty at its end, nil where the connection ended first.
    func chunk() throws -> Data? {
        guard let size = try line(), let count = Int(size, radix: 16) else { return nil }
        guard let data = try bytes(count) else { return nil }
        guard try line() != nil else { return nil }
        return data
    }

    func answer(isHead: Bool = false) throws -> Answer {
        let (status, headers) = try head()
        var answer = Answer(status: status, headers: headers, body: Data(), isWhole: true)
        if isHead || status == 304 || status == 204 { return answer }
        if headers["transfer-encoding"] == "chunked" {
            while true {
                guard let chunk = try chunk() else {
                    answer.isWhole = false
                    return answer
                }
                if chunk.isEmpty { return answer }
                answer.body.append(chunk)
            }
        }
        guard let body = try bytes(Int(headers["content-length"] ?? "0") ?? 0) else {
            answer.isWhole = false
            return answer
        }
        answer.body = body
        return answer
    }
}

struct HTTPClientError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

extension TestPipeline {
    /// `parallax serve` (or `up`) of this pipeline, and where it listens.
    func serve(_ command: String = "serve", _ arguments: [String] = []) throws -> (process: Program.Running, address: String) {
        // A server that was killed leaves them.
        for name in ["api", "metrics"] { try? FileManager.default.removeItem(atPath: "\(path)/.parallax/\(name).address") }
        let process = try Program.start([command, "--pipeline", path] + arguments, environment: ["PARALLAX_SERVE_LISTEN": "127.0.0.1:0"])
        return (process, try address("api", of: process))
    }

    /// Where a server listens, once it does.
    func address(_ server: String, of process: Program.Running) throws -> String {
        let file = "\(path)/.parallax/\(server).address"
        guard becomesTrue({ FileManager.default.fileExists(atPath: file) || !process.process.isRunning }),
            let text = try? String(contentsOfFile: file, encoding: .utf8)
        else { throw HTTPClientError("\(server) did not come up: \(process.process.isRunning ? "it runs" : process.wait().errors)") }
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
