public import Foundation
import TwinlockGlue

/// What the app does next when a call was refused. The closed list is the same in Rust, Kotlin and Swift.
///
/// Each case carries the stable ``Code`` and numbers only: an error may go to any log or crash reporter.
public enum TwinlockError: Error, Sendable, Equatable {
    /// What was typed is not accepted: ask the member again and say why.
    case entryRefused(Code)
    /// The new PIN is refused: say why and ask the member for another.
    case pinRefused(Code, reason: Twinlock.PinFault)
    /// The PIN is wrong, and the try was counted: say how many are left and ask again. Zero means at once.
    case wrongPin(Code, triesLeft: Int, retryAfter: Duration)
    /// Too many tries for now; this one was not counted: count down and ask again.
    case wait(Code, retryAfter: Duration)
    /// Something else comes first: draw ``Twinlock/step``.
    case stepRequired(Code)
    /// This phone has to be enrolled again: lead the member to sign-in.
    case enrollAgain(Code)
    /// Only an admin or the operator of the portal can help: say so.
    case askAdmin(Code)
    /// It may work later; nothing was changed: offer to try again.
    case retry(Code)
    /// The portal is not the one this app trusts: stop and say so.
    case notTrusted(Code)
    /// App and portal do not understand each other: lead the member to the update.
    case updateApp(Code)
    /// The app called wrongly (closed object, second call at once, malformed request): its developer corrects it.
    case misuse(Code)
    /// A fault of Twinlock's: whoever sees it reports the code.
    case `internal`(Code)

    /// What happened.
    public var code: Code {
        switch self {
        case .entryRefused(let code), .pinRefused(let code, _), .wrongPin(let code, _, _), .wait(let code, _),
            .stepRequired(let code), .enrollAgain(let code), .askAdmin(let code), .retry(let code),
            .notTrusted(let code), .updateApp(let code), .misuse(let code), .internal(let code):
            code
        }
    }

    /// The key of the text in `Localizable.strings`, for example `twinlock_error_1003`.
    public var errorKey: String { code.errorKey }
}

extension TwinlockError.Code {
    /// The key of the text in `Localizable.strings`, for example `twinlock_error_1003`.
    public var errorKey: String { "twinlock_error_\(rawValue)" }
}

extension TwinlockError: LocalizedError {
    /// What the member reads, in the language of the app.
    public var errorDescription: String? { Texts.text(errorKey) }
}

extension TwinlockError: CustomStringConvertible {
    /// For logs, for example `TL-1003`.
    public var description: String { code.label }
}

extension TwinlockError {
    /// What the glue threw. Anything but its own error is a panic in Rust, whose text goes nowhere.
    init(_ thrown: any Error) {
        switch thrown {
        case let own as TwinlockError: self = own
        case let error as TwinlockGlue.EngineError: self.init(error)
        default: self = .internal(.internal)
        }
    }

    private init(_ error: TwinlockGlue.EngineError) {
        switch error {
        case .EntryRefused(let code): self = .entryRefused(Code(number: code))
        case .PinRefused(let code, let reason): self = .pinRefused(Code(number: code), reason: .init(reason))
        case .WrongPin(let code, let triesLeft, let retryAfterMs):
            self = .wrongPin(Code(number: code), triesLeft: Int(triesLeft), retryAfter: .init(ms: retryAfterMs))
        case .Wait(let code, let retryAfterMs):
            self = .wait(Code(number: code), retryAfter: .init(ms: retryAfterMs))
        case .StepRequired(let code): self = .stepRequired(Code(number: code))
        case .EnrollAgain(let code): self = .enrollAgain(Code(number: code))
        case .AskAdmin(let code): self = .askAdmin(Code(number: code))
        case .Retry(let code): self = .retry(Code(number: code))
        case .NotTrusted(let code): self = .notTrusted(Code(number: code))
        case .UpdateApp(let code): self = .updateApp(Code(number: code))
        case .Misuse(let code): self = .misuse(Code(number: code))
        case .Internal(let code): self = .internal(Code(number: code))
        }
    }
}

extension Duration {
    init(ms: UInt64) {
        self = .milliseconds(Int64(clamping: ms))
    }

    /// Whole milliseconds; negative ones are zero.
    package var ms: UInt64 {
        let (seconds, attoseconds) = components
        return UInt64(clamping: seconds) * 1000 + UInt64(clamping: attoseconds / 1_000_000_000_000_000)
    }
}
