// swift-tools-version: 6.0

import PackageDescription

// `cargo xtask test swift` builds the library and the glue first and puts the glue into `Generated`; nothing of it is
// committed, because glue and library must come from the same sources.
let package = Package(
    name: "Twinlock",
    defaultLocalization: "en",
    platforms: [.iOS(.v16), .macOS(.v13)],
    products: [
        .library(name: "Twinlock", targets: ["Twinlock"])
    ],
    targets: [
        .systemLibrary(name: "TwinlockFFI", path: "Generated/TwinlockFFI"),
        // In language mode 6 the compiler of Swift 6.0 crashes on what UniFFI generates (mozilla/uniffi-rs #2929).
        .target(
            name: "TwinlockGlue",
            dependencies: ["TwinlockFFI"],
            path: "Generated/TwinlockGlue",
            swiftSettings: [.swiftLanguageMode(.v5)],
            linkerSettings: [.linkedLibrary("twinlock_bindings")]
        ),
        // What an iOS developer sees.
        .target(
            name: "Twinlock",
            dependencies: ["TwinlockGlue"],
            resources: [.process("Resources")],
            // An import that nobody calls public stays inside: the glue cannot appear in what developers see.
            swiftSettings: [.enableUpcomingFeature("InternalImportsByDefault")]
        ),
        // A phone for tests and for the demo: Apple's security framework as documented, kept in memory.
        .target(
            name: "StandInPhone",
            dependencies: ["Twinlock", "TwinlockGlue"],
            path: "Tests/StandInPhone",
            swiftSettings: [.enableUpcomingFeature("InternalImportsByDefault")]
        ),
        .executableTarget(
            name: "TwinlockScenarioPhone",
            dependencies: ["Twinlock", "StandInPhone"],
            path: "Tests/ScenarioPhone"
        ),
        .testTarget(
            name: "TwinlockTests",
            dependencies: ["Twinlock", "TwinlockGlue", "StandInPhone"]
        ),
    ],
    swiftLanguageModes: [.v6]
)
