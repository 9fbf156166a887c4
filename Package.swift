// swift-tools-version: 6.2
import PackageDescription

// Every target names what it may import; `swift build --explicit-target-dependency-import-check error`
// turns an arrow that is not drawn here into a build failure. speed/, batch/ and serving/ never see one another.

let strict: [SwiftSetting] = [.swiftLanguageMode(.v6)]
// The per-row loops live in generic code that crosses modules; without this they are not specialised
// (measured: 3.05 ns against 0.47 ns a row).
// Optimised in debug builds, too: the tests spend half of the time in them (measured: 34 against 71 CPU seconds for the oracles and the engine).
let hot: [SwiftSetting] =
    strict + [
        .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)), .unsafeFlags(["-O"], .when(configuration: .debug)),
    ]

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.byName(name: name), "TestSupport"] + dependencies,
        path: "Tests/\(name)Tests", swiftSettings: strict)
}

let package = Package(
    name: "parallax",
    products: [.executable(name: "parallax", targets: ["parallax"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        // Neither its configuration reader nor what needs the whole of Foundation.
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    ],
    targets: [
        // C modules: a module map and at most a shim, no logic. Each has one importer.
        .systemLibrary(name: "CPgQuery", path: "Sources/CPgQuery", providers: [.apt(["libpg-query-dev"])]),
        .systemLibrary(name: "CZstd", path: "Sources/CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CZlib", path: "Sources/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CPostgres", path: "Sources/CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        // The one C target with a loop in it: Debian has no CRC32C library, and the instruction needs a C intrinsic.
        .target(name: "CCRC32C", path: "Sources/CCRC32C", cSettings: [.unsafeFlags(["-O3"])]),
        .systemLibrary(name: "CKafka", path: "Sources/CKafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),
        .systemLibrary(name: "CCrypto", path: "Sources/CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        // The dashboard's files of serving/Page, put into the executable by the compiler.
        .target(name: "CPage", path: "Sources/CPage"),
        .target(
            name: "CSimdJSON", path: "Sources/CSimdJSON",
            cxxSettings: [.unsafeFlags(["-O3"])], linkerSettings: [.linkedLibrary("simdjson")]),

        // Shared by the layers.
        .target(name: "ParallaxCore", path: "Sources/ParallaxCore", swiftSettings: hot),
        .target(name: "Compression", dependencies: ["ParallaxCore", "CZstd", "CZlib"], path: "Sources/Compression", swiftSettings: hot),
        .target(name: "Checksums", dependencies: ["CCRC32C", "CCrypto"], path: "Sources/Checksums", swiftSettings: hot),
        .target(name: "Disk", dependencies: ["ParallaxCore", "Checksums"], path: "Sources/Disk", swiftSettings: hot),
        .target(name: "Columns", dependencies: ["ParallaxCore"], path: "Sources/Columns", swiftSettings: hot),
        .target(
            name: "ViewLanguage", dependencies: ["ParallaxCore", "Columns", "CPgQuery"],
            path: "Sources/ViewLanguage", swiftSettings: strict),
        // Pure: what each measure keeps, and how its states are merged. Operators fill its columns, the layers run its SQL.
        .target(
            name: "MergeLaw", dependencies: ["ParallaxCore", "Columns", "ViewLanguage"], path: "Sources/MergeLaw", swiftSettings: strict),
        .target(
            name: "Operators", dependencies: ["ParallaxCore", "Columns", "ViewLanguage", "MergeLaw", "CSimdJSON"],
            path: "Sources/Operators", swiftSettings: hot),
        .target(name: "EmbeddedLog", dependencies: ["ParallaxCore", "Checksums", "Disk"], path: "Sources/EmbeddedLog", swiftSettings: hot),
        .target(name: "KafkaLog", dependencies: ["ParallaxCore", "CKafka"], path: "Sources/KafkaLog", swiftSettings: hot),
        .target(name: "Parquet", dependencies: ["ParallaxCore", "Compression", "Disk"], path: "Sources/Parquet", swiftSettings: hot),
        .target(
            name: "Archive",
            dependencies: ["ParallaxCore", "Columns", "ViewLanguage", "Operators", "Parquet", "Checksums", "Disk"],
            path: "Sources/Archive", swiftSettings: hot),
        .target(name: "Postgres", dependencies: ["ParallaxCore", "CPostgres"], path: "Sources/Postgres", swiftSettings: strict),
        .target(name: "CParallaxSystem", path: "Sources/CParallaxSystem"),
        .target(
            name: "PrivatePostgres", dependencies: ["ParallaxCore", "Disk", "Postgres", "CParallaxSystem"],
            path: "Sources/PrivatePostgres", swiftSettings: strict),
        .target(
            name: "Catalog", dependencies: ["ParallaxCore", "Columns", "ViewLanguage", "MergeLaw", "Postgres"],
            path: "Sources/Catalog", exclude: ["README.md"], swiftSettings: strict),

        // What the commands of the same kind do: lines into a log, rows into a table, made-up events into a log.
        .target(
            name: "Ingestion", dependencies: ["ParallaxCore", "Columns", "ViewLanguage", "Operators", "Compression"],
            path: "Sources/Ingestion", swiftSettings: strict),
        .target(
            name: "TableLoading",
            dependencies: ["ParallaxCore", "Columns", "ViewLanguage", "Operators", "Compression", "Postgres", "Catalog"],
            path: "Sources/TableLoading", swiftSettings: strict),
        .target(
            name: "DemoTraffic",
            dependencies: ["ParallaxCore", "Columns", "ViewLanguage", .product(name: "Logging", package: "swift-log")],
            path: "Sources/DemoTraffic", swiftSettings: hot),

        // What a person decides about a log, with the archive and the catalog in step.
        .target(
            name: "LogDecisions", dependencies: ["ParallaxCore", "ViewLanguage", "Archive", "Catalog"],
            path: "Sources/LogDecisions", swiftSettings: strict),

        // Which events are behind a row of a view: of the archive and of the log, with what became of each.
        .target(
            name: "Explanation", dependencies: ["ParallaxCore", "ViewLanguage", "Operators", "Archive"],
            path: "Sources/Explanation", swiftSettings: strict),

        .target(
            name: "Backup",
            dependencies: ["ParallaxCore", "Disk", "EmbeddedLog", "Archive", "Postgres", "PrivatePostgres", "Catalog"],
            path: "Sources/Backup", swiftSettings: strict),

        // The layers.
        .target(
            name: "SpeedLayer", dependencies: ["ParallaxCore", "Columns", "ViewLanguage", "Operators"],
            path: "speed/SpeedLayer", swiftSettings: hot),
        .target(
            name: "SpeedWorker",
            dependencies: [
                "SpeedLayer", "ParallaxCore", "Columns", "ViewLanguage", "MergeLaw", "Operators", "Catalog", "Postgres",
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "speed/SpeedWorker", swiftSettings: strict),
        .target(
            name: "BatchLayer", dependencies: ["ParallaxCore", "Columns", "ViewLanguage", "MergeLaw", "Operators"],
            path: "batch/BatchLayer", swiftSettings: hot),
        .target(
            name: "BatchWorker",
            dependencies: [
                "BatchLayer", "ParallaxCore", "Columns", "ViewLanguage", "MergeLaw", "Operators", "Archive", "Catalog", "Postgres",
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "batch/BatchWorker", swiftSettings: strict),
        .target(
            name: "ServingViews", dependencies: ["ParallaxCore", "ViewLanguage", "MergeLaw", "Catalog", "Postgres", "Explanation"],
            path: "serving/ServingViews", swiftSettings: strict),
        .target(
            name: "ServingAPI",
            dependencies: [
                "CPage", "ParallaxCore", "Checksums", "Compression", "ViewLanguage", "Parquet", "Catalog", "Postgres", "Ingestion",
                "ServingViews", "Explanation",
                .product(name: "Hummingbird", package: "hummingbird"), .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"), .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            path: "serving/ServingAPI", swiftSettings: strict),

        // The one executable: parse, wire, run.
        .executableTarget(
            name: "parallax",
            dependencies: [
                "ParallaxCore", "ViewLanguage", "MergeLaw", "Operators", "EmbeddedLog", "KafkaLog", "Archive", "Postgres",
                "PrivatePostgres", "Catalog", "SpeedLayer", "SpeedWorker", "BatchLayer", "BatchWorker", "ServingViews", "ServingAPI",
                "Compression",
                "Backup", "Disk", "Ingestion", "TableLoading", "DemoTraffic", "LogDecisions", "Explanation",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
            ],
            path: "Sources/parallax", swiftSettings: strict),

        // Tests: one target beside each module, and the suites that need the whole.
        .target(
            name: "TestSupport", dependencies: ["ParallaxCore", "Disk", "Postgres", "PrivatePostgres"], path: "Tests/TestSupport",
            swiftSettings: strict),
        tests("ParallaxCore", []),
        tests("Compression", ["ParallaxCore"]),
        tests("Checksums", []),
        tests("Columns", ["ParallaxCore"]),
        tests("ViewLanguage", ["Columns", "MergeLaw"]),
        tests("MergeLaw", ["ParallaxCore", "Columns", "ViewLanguage"]),
        tests("Ingestion", ["ParallaxCore", "Compression", "ViewLanguage"]),
        tests("Operators", ["ParallaxCore", "Columns", "ViewLanguage", "MergeLaw", "Postgres"]),
        tests("EmbeddedLog", ["ParallaxCore", "Disk"]),
        tests("KafkaLog", ["ParallaxCore", "CKafka"]),
        // A broker that the tests start: C, since half of the mock cluster's functions are variadic, and a process of its own, so that
        // it outlives the workers that the tests kill.
        .executableTarget(name: "test-broker", path: "Tests/TestBroker", linkerSettings: [.linkedLibrary("rdkafka")]),
        // What `make bench-kafka` compares our client with.
        .executableTarget(name: "bare-consumer", path: "Tests/BareConsumer", linkerSettings: [.linkedLibrary("rdkafka")]),
        tests("Parquet", ["ParallaxCore"]),
        tests("Archive", ["ParallaxCore", "Columns", "ViewLanguage", "Operators"]),
        tests("Postgres", ["ParallaxCore"]),
        tests("PrivatePostgres", ["ParallaxCore", "Disk", "Postgres"]),
        tests("Disk", ["ParallaxCore", "Checksums"]),
        tests("Catalog", ["ParallaxCore", "Columns", "ViewLanguage", "MergeLaw", "Postgres"]),
        tests("SpeedLayer", ["ParallaxCore", "Columns", "ViewLanguage", "Operators"]),
        tests(
            "SpeedWorker",
            [
                "SpeedLayer", "ParallaxCore", "ViewLanguage", "Catalog", "Postgres", "ServingViews",
                .product(name: "Logging", package: "swift-log"),
            ]),
        tests("BatchLayer", ["ParallaxCore", "Columns", "ViewLanguage", "Operators"]),
        tests(
            "BatchWorker",
            [
                "BatchLayer", "ParallaxCore", "Columns", "ViewLanguage", "MergeLaw", "Operators", "Archive", "Catalog", "Postgres",
                "ServingViews", .product(name: "Logging", package: "swift-log"),
            ]),
        tests("ServingViews", ["ParallaxCore", "Columns", "ViewLanguage", "MergeLaw", "Catalog", "Postgres"]),
        tests(
            "ServingAPI",
            [
                "ParallaxCore", .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
            ]),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "TestSupport", "parallax", "ParallaxCore", "Compression", "Columns", "ViewLanguage", "Operators", "EmbeddedLog", "KafkaLog",
                "Archive",
                "Postgres", "PrivatePostgres", "Catalog", "SpeedWorker", "BatchLayer", "BatchWorker", "ServingViews",
                "Ingestion", "DemoTraffic", "Explanation", "SpeedLayer",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            path: "Tests/EndToEndTests", exclude: ["Generated/Regressions"], swiftSettings: strict),
        // `make bench`: each stage alone; not a test, never timed by one.
        .executableTarget(
            name: "benchmarks",
            dependencies: [
                "ParallaxCore", "ViewLanguage", "MergeLaw", "Operators", "EmbeddedLog", "KafkaLog", "Archive", "Postgres",
                "PrivatePostgres", "Catalog", "SpeedWorker", "BatchLayer", "BatchWorker", "ServingViews", "TestSupport",
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Tests/Benchmarks", swiftSettings: strict),
        .testTarget(name: "RepositoryTests", dependencies: ["TestSupport"], path: "Tests/RepositoryTests", swiftSettings: strict),
    ],
    cxxLanguageStandard: .cxx17
)
