import Foundation
import NIOCore
import TestSupport
import Testing

@testable import ServingAPI

/// The dashboard's files as they are in the executable.
@Suite struct PageTests {
    private static let folder = (0..<3).reduce(#filePath) { path, _ in (path as NSString).deletingLastPathComponent } + "/serving/Page"
    private let page = PageRoutes()

    private func text(_ file: PageRoutes.File) -> String { String(buffer: file.bytes) }

    @Test func whatIsServedIsTheFolderByteForByte() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder).sorted()
        #expect(page.files.map(\.name).sorted() == names, "Sources/CPage/page.c lists the files of serving/Page")
        for file in page.files {
            let onDisk = try Data(contentsOf: URL(fileURLWithPath: "\(Self.folder)/\(file.name)"))
            #expect(Data(file.bytes.readableBytesView) == onDisk, "\(file.name) is another one in the executable")
            #expect(PageRoutes.type(of: file.name) != nil, "\(file.name) has no media type")
        }
    }

    @Test func allFilesTogetherStaySmall() {
        #expect(page.files.reduce(0) { $0 + $1.bytes.readableBytes } < 400_000)
    }

    /// A name that is not there would be an empty page, in a browser alone.
    @Test func whatFilesNameIsThere() throws {
        let names = Set(page.files.map(\.name))
        let start = try #require(page.files.first { $0.name == PageRoutes.start })
        for match in text(start).matches(of: /"\/assets\/@version\/([^"]+)"/) { #expect(names.contains(String(match.1))) }
        for file in page.files where file.name.hasSuffix(".js") && !file.name.contains(".min.") {
            for match in text(file).matches(of: /(?:from|import) "\.\/([^"]+)"/) {
                #expect(names.contains(String(match.1)), "\(file.name) imports \(match.1)")
            }
        }
    }

    /// What the policy forbids would not run; and markup out of strings is how an event's text would get in.
    @Test func noFileOfOursHasInlineScriptsOrMakesMarkupOfStrings() throws {
        let start = try #require(page.files.first { $0.name == PageRoutes.start })
        #expect(text(start).firstMatch(of: /<script(?![^>]*src=)|<style|\sstyle=|\son[a-z]+=/) == nil)
        let forbidden =
            /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|createContextualFragment|DOMParser|style: "/
        for file in page.files where file.name.hasSuffix(".js") && !file.name.contains(".min.") {
            if let found = text(file).firstMatch(of: forbidden) { Issue.record("\(file.name) has \(found.0)") }
        }
    }
}
