import Testing

@testable import ParallaxCore

@Suite struct DurationTests {
    @Test(arguments: [
        (Duration.zero, 0), (.milliseconds(1_500), 1_500_000_000), (.nanoseconds(7), 7), (.nanoseconds(-7), -7),
        (.seconds(-2), -2_000_000_000),
        // Waits for ever are as long as there are any, and nothing overflows.
        (.seconds(Int64.max), .max), (.seconds(9_223_372_036), 9_223_372_036_000_000_000), (.seconds(9_223_372_037), .max),
        (.seconds(Int64.min), .min),
    ])
    func nanoseconds(duration: Duration, expected: Int) { #expect(duration.nanoseconds == expected) }
}
