public import Foundation
import TwinlockGlue

extension Twinlock {
    /// What the app draws next. The portal and this phone compute it by the same rules.
    public enum Step: Sendable, Equatable {
        /// Ask for name and password.
        case signIn
        /// Lead through the set-up of two-step authentication: no file is reachable before.
        case setUpTwoStep
        /// Ask for a code of the authenticator app.
        case enterCode
        /// Show the comparison code, eight digits in two groups of four such as `1234 5678`, and wait for an admin.
        /// Without
        /// a code, sign in again: the phone enrolls then.
        case awaitApproval(comparisonCode: String?)
        /// Ask for a new PIN, twice.
        case createPin(PinRequest)
        /// Ask for the PIN. `triesLeft` tries remain before it is erased.
        case enterPin(triesLeft: Int)
        /// Ask for a new PIN, twice, after the old one was entered: the policy was raised, or the member wants it.
        case changePin(PinRequest)
        /// Nothing is accepted until then, by the portal's clock. Afterwards ask for the PIN.
        case wait(until: Date)
        /// Files and vault are open.
        case ready
        /// Nothing works until somebody acts; the reason says who.
        case blocked(BlockedReason)
    }

    /// What a new PIN has to be like.
    public struct PinRequest: Sendable, Equatable {
        /// Digits at least, 6–12.
        public let minLength: Int
        /// Digits at most, 12.
        public let maxLength: Int
        /// The first entry was accepted: ask for it again.
        public let isRepeat: Bool

        package init(minLength: Int, maxLength: Int, isRepeat: Bool) {
            self.minLength = minLength
            self.maxLength = maxLength
            self.isRepeat = isRepeat
        }
    }

    /// Why nothing works.
    public enum BlockedReason: Sendable, Equatable, CaseIterable {
        /// An admin revoked this phone; it can be enrolled again.
        case revoked
        /// An admin suspended the account, and can lift it.
        case suspended
        /// The policy asks for a newer app: the member updates it.
        case updateApp
        /// The device key is gone (restored backup, passcode removed): the member enrolls again.
        case keyLost
        /// The authenticator was disabled after too many wrong codes: an admin resets it.
        case authenticatorDisabled
    }
}

extension Twinlock.Step {
    /// The key of the step's text in `Localizable.strings`, for example `twinlock_step_enter_pin`.
    public var textKey: String {
        switch self {
        case .signIn: "twinlock_step_sign_in"
        case .setUpTwoStep: "twinlock_step_set_up_two_step"
        case .enterCode: "twinlock_step_enter_code"
        case .awaitApproval: "twinlock_step_await_approval"
        case .createPin(let request): request.isRepeat ? "twinlock_step_repeat_pin" : "twinlock_step_create_pin"
        case .enterPin: "twinlock_step_enter_pin"
        case .changePin(let request): request.isRepeat ? "twinlock_step_repeat_pin" : "twinlock_step_change_pin"
        case .wait: "twinlock_step_wait"
        case .ready: "twinlock_step_ready"
        case .blocked(.revoked): "twinlock_step_blocked_revoked"
        case .blocked(.suspended): "twinlock_step_blocked_suspended"
        case .blocked(.updateApp): "twinlock_step_blocked_update_app"
        case .blocked(.keyLost): "twinlock_step_blocked_key_lost"
        case .blocked(.authenticatorDisabled): "twinlock_step_blocked_authenticator_disabled"
        }
    }

    /// What the member reads, in the language of the app: one sentence that says what to do.
    public var text: String { Texts.text(textKey) }
}

extension Twinlock.Step {
    init(_ step: TwinlockGlue.Step) {
        switch step {
        case .signIn: self = .signIn
        case .setUpTwoStep: self = .setUpTwoStep
        case .enterCode: self = .enterCode
        case .awaitApproval(let code): self = .awaitApproval(comparisonCode: code)
        case .createPin(let least, let most, let isRepeat):
            self = .createPin(.init(minLength: Int(least), maxLength: Int(most), isRepeat: isRepeat))
        case .enterPin(let triesLeft): self = .enterPin(triesLeft: Int(triesLeft))
        case .changePin(let least, let most, let isRepeat):
            self = .changePin(.init(minLength: Int(least), maxLength: Int(most), isRepeat: isRepeat))
        case .wait(let untilMs): self = .wait(until: Date(epochMs: untilMs))
        case .ready: self = .ready
        case .blocked(let reason): self = .blocked(.init(reason))
        }
    }
}

extension Twinlock.BlockedReason {
    init(_ reason: TwinlockGlue.BlockedReason) {
        switch reason {
        case .revoked: self = .revoked
        case .suspended: self = .suspended
        case .updateApp: self = .updateApp
        case .keyLost: self = .keyLost
        case .authenticatorDisabled: self = .authenticatorDisabled
        }
    }
}

extension Date {
    /// The glue's times are milliseconds since 1970-01-01 UTC.
    init(epochMs: UInt64) {
        self.init(timeIntervalSince1970: Double(epochMs) / 1000)
    }

    /// Milliseconds since 1970-01-01 UTC; 0 for what is before, the most there is for what no clock can mean.
    package var epochMs: UInt64 {
        UInt64(exactly: (timeIntervalSince1970 * 1000).rounded()) ?? (timeIntervalSince1970 < 0 ? 0 : .max)
    }
}
