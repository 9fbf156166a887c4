import ParallaxCore
import Testing

@testable import ServingAPI

@Suite struct WebOriginTests {
    @Test(arguments: [
        "https://app.example.com", "http://localhost:3000", "http://127.0.0.1:8080", "http://[::1]:3000", "https://xn--bcher-kva.example",
        "https://a",
        "capacitor://localhost", "chrome-extension://abcdefghijklmnopabcdefghijklmnop", "http://a_b.example:81",
    ])
    func whatABrowserSays(text: String) throws { #expect(try WebOrigin(text).description == text) }

    @Test(arguments: [
        ("https://App.Example.com", "write https://app.example.com"), ("https://app.example.com/", "write https://app.example.com"),
        ("https://app.example.com:443", "write https://app.example.com"), ("http://localhost:80/page?a=b#c", "write http://localhost"),
        ("HTTP://localhost:03000", "write http://localhost:3000"),
    ])
    func anotherSpellingIsToldTheRightOne(text: String, hint: String) {
        let error = #expect(throws: ParallaxError.self) { try WebOrigin(text) }
        #expect(error?.hint == hint && error?.code == .configuration)
    }

    @Test(arguments: [
        "", "*", "null", "https://*.example.com", "app.example.com", "https://", "https://:80", "https://a:0", "https://a:65536",
        "https://a:b", "https://a b",
        "https://user@a.example", "https://bücher.example", "1http://a", "https//a", "http://[::1", "http://::1",
    ])
    func noOrigin(text: String) { #expect(throws: ParallaxError.self) { try WebOrigin(text) } }
}
