import Hummingbird

extension ChunkChannel {
    /// What the answer begins with. Without one the producer ends.
    func head(of producer: Task<Void, Never>) async throws -> Head {
        do {
            return try await withTaskCancellationHandler {
                try await head()
            } onCancel: {
                producer.cancel()
            }
        } catch {
            producer.cancel()
            throw error
        }
    }

    func body(of producer: Task<Void, Never>) -> ResponseBody {
        ResponseBody { writer in
            do {
                while let chunk = try await self.next() { try await writer.write(chunk) }
                try await writer.finish(nil)
            } catch {
                // Without the last chunk a client knows that the answer is not whole.
                self.cancel()
                producer.cancel()
                throw error
            }
        }
    }
}
