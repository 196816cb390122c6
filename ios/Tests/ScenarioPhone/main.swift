import Foundation

// A phone for the demo, in a process of its own: one JSON object a line, as `tests/src/phone.rs` describes it. Passwords
// and PINs arrive as text here because the protocol is text; what the SDK gets are bytes and digits.

let phone = ScenarioPhone()
while let line = readLine() {
    do {
        let answer = try await phone.answer(try Ask(line: line))
        FileHandle.standardOutput.write(try answer.line())
    } catch {
        FileHandle.standardError.write(Data("the Swift phone: \(error)\n".utf8))
        exit(1)
    }
}
