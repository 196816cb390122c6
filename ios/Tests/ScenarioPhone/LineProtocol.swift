import Foundation
import Twinlock

/// The driver asked for something that cannot be.
struct WrongAsk: Error, CustomStringConvertible {
    let description: String
}

/// A line from the driver.
struct Ask {
    let verb: String
    private let with: [String: Any]

    init(line: String) throws {
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        guard let verb = object?["do"] as? String else { throw WrongAsk(description: "a line without a verb") }
        (self.verb, with) = (verb, object?["with"] as? [String: Any] ?? [:])
    }

    var isBare: Bool { with.isEmpty }

    func text(_ name: String) throws -> String {
        guard let text = with[name] as? String else { throw WrongAsk(description: "`\(name)` is missing") }
        return text
    }

    func bytes(_ name: String) throws -> Data { Data(try text(name).utf8) }
}

/// A line to the driver.
struct Answer: Sendable {
    var step: Twinlock.Step?
    var error: TwinlockError?
    var value: (any Sendable)?

    func line() throws -> Data {
        var object: [String: Any] = [:]
        object["step"] = step.map(described)
        object["error"] = error.map(described)
        object["value"] = value
        return try JSONSerialization.data(withJSONObject: object) + Data("\n".utf8)
    }
}

private func described(_ step: Twinlock.Step) -> [String: Any] {
    switch step {
    case .signIn: ["kind": "sign_in"]
    case .setUpTwoStep: ["kind": "set_up_two_step"]
    case .enterCode: ["kind": "enter_code"]
    case .awaitApproval(nil): ["kind": "await_approval"]
    case .awaitApproval(let code?): ["kind": "await_approval", "comparison_code": code]
    case .createPin(let request): described(request, "create_pin")
    case .enterPin(let triesLeft): ["kind": "enter_pin", "tries_left": triesLeft]
    case .changePin(let request): described(request, "change_pin")
    case .wait(let until): ["kind": "wait", "until_ms": Int(until.timeIntervalSince1970 * 1000)]
    case .ready: ["kind": "ready"]
    case .blocked(let reason): ["kind": "blocked", "reason": snakeCase(reason)]
    }
}

private func described(_ request: Twinlock.PinRequest, _ kind: String) -> [String: Any] {
    ["kind": kind, "min_length": request.minLength, "max_length": request.maxLength, "repeat": request.isRepeat]
}

private func described(_ error: TwinlockError) -> [String: Any] {
    var fields: [String: Any] = ["code": error.code.label, "name": error.code.name]
    switch error {
    case .pinRefused(_, let reason):
        let name = String(describing: reason)
        fields["reason"] = name.prefix(1).uppercased() + name.dropFirst()
    case .wrongPin(_, let triesLeft, let retryAfter):
        fields["tries_left"] = triesLeft
        fields["retry_after_ms"] = milliseconds(retryAfter)
    case .wait(_, let retryAfter):
        fields["retry_after_ms"] = milliseconds(retryAfter)
    default: break
    }
    return fields
}

private func milliseconds(_ duration: Duration) -> Int64 {
    duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000
}

private func snakeCase(_ reason: Twinlock.BlockedReason) -> String {
    String(describing: reason).reduce(into: "") { text, letter in
        text += letter.isUppercase ? "_" + letter.lowercased() : String(letter)
    }
}
