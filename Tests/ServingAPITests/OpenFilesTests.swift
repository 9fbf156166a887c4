import Testing

@testable import ServingAPI

@Suite struct OpenFilesTests {
    @Test(arguments: [
        (1 << 20, 4_096, 3_500), (4_608, 4_096, 3_500), (4_607, 4_095, 3_500), (1_024, 512, 448), (200, 100, 87), (2, 1, 0),
        (Int.max, 4_096, 3_500),
    ])
    func clientsFitIntoTheOpenFiles(files: Int, clients: Int, streams: Int) {
        let limits = APILimits().fitting(openFiles: files)
        #expect(limits.connections == clients && limits.streams == streams)
    }
}
