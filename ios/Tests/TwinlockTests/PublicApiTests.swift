import Foundation
import Testing

/// What the compiler does not enforce by itself about the sources of the SDK.
@Suite struct PublicApiTests {
    private func lines() throws -> [(place: String, text: String)] {
        try Project.sources("ios/Sources/Twinlock").flatMap { path, source in
            source.components(separatedBy: "\n").enumerated().map { ("\(path):\($0 + 1)", $1) }
        }
    }

    /// With internal imports by default the compiler refuses a glue type in a public signature. This keeps it so.
    @Test func theGlueIsImportedInternallyEverywhere() throws {
        #expect(try Project.text("ios/Package.swift").contains("InternalImportsByDefault"))
        let imports = try lines().filter { $0.text.contains("import Twinlock") }
        #expect(imports.count > 5)
        for (place, text) in imports { #expect(text == "import TwinlockGlue", "\(place)") }
    }

    /// A string cannot be wiped. Codes are strings: they live a minute, and the keyboard has them as strings anyway.
    @Test func noPinPasswordOrSecretIsEverAString() throws {
        let pattern = try Regex(
            #"(?i)\b\w*(pin|password|digit|secret|guess)\w*\s*:\s*(inout\s+|borrowing\s+|consuming\s+)?\[?(String|Substring|Character)\b"#
        )
        for (place, text) in try lines() { #expect(text.firstMatch(of: pattern) == nil, "\(place): \(text)") }
        for bad in ["func f(_ pin: String)", "var newPassword: inout Substring", "digits: [Character]"] {
            #expect(bad.firstMatch(of: pattern) != nil, "the search is blind for `\(bad)`")
        }
    }

    /// Nothing is printed or logged by the SDK, and nothing ends the app.
    @Test func nothingIsPrintedAndNothingTraps() throws {
        let words = ["print(", "NSLog", "os_log", "Logger(", "fatalError", "precondition(", "try!", " as!"]
        for (place, text) in try lines() {
            for word in words { #expect(!text.contains(word), "\(place): \(text)") }
        }
    }
}
