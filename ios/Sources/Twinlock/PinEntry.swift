import TwinlockGlue

extension Twinlock {
    /// A PIN while it is typed. Digits go one by one into memory that Rust wipes; no string ever holds them.
    ///
    /// Draw a keypad of the app's own for it: the system's keyboard would keep what was typed. Safe from several
    /// threads.
    public final class PinEntry: Sendable {
        let digits: TwinlockGlue.PinEntry

        init() throws(TwinlockError) {
            digits = try Self.typed { try TwinlockGlue.PinEntry() }
        }

        /// How many digits were typed, 0–12.
        public var count: Int {
            get throws(TwinlockError) { Int(try Self.typed { try digits.count() }) }
        }

        /// Appends a digit.
        /// - Parameter digit: 0–9.
        /// - Throws: ``TwinlockError/pinRefused(_:reason:)`` (TL-1001) with ``PinFault/notDigits`` or, for the
        ///   thirteenth, ``PinFault/tooLong``; nothing is appended then.
        public func pushDigit(_ digit: UInt8) throws(TwinlockError) {
            try Self.typed { try digits.pushDigit(digit: digit) }
        }

        /// Removes and wipes the last digit, if there is one.
        public func backspace() throws(TwinlockError) {
            try Self.typed { try digits.backspace() }
        }

        /// Wipes everything typed.
        public func clear() throws(TwinlockError) {
            try Self.typed { try digits.clear() }
        }

        private static func typed<Answer>(_ call: () throws -> Answer) throws(TwinlockError) -> Answer {
            do {
                return try call()
            } catch {
                throw TwinlockError(error)
            }
        }
    }

    /// Why a new PIN was refused.
    public enum PinFault: Sendable, Equatable, CaseIterable {
        /// Fewer digits than the policy asks for.
        case tooShort
        /// More than twelve digits.
        case tooLong
        /// Something that is no digit.
        case notDigits
        /// At most two different digits.
        case repeated
        /// The same three digits twice.
        case doubledTriple
        /// The same digits again and again.
        case periodic
        /// Reads the same from both ends.
        case palindrome
        /// Each digit differs from the one before by the same step.
        case sequence
        /// A calendar date.
        case date
        /// A shape on the keypad.
        case keypadShape
        /// The member's own number or birth date.
        case personal
    }
}

extension Twinlock.PinFault {
    /// The key of the text in `Localizable.strings`, for example `twinlock_pin_date`.
    public var textKey: String {
        switch self {
        case .tooShort: "twinlock_pin_too_short"
        case .tooLong: "twinlock_pin_too_long"
        case .notDigits: "twinlock_pin_not_digits"
        case .repeated: "twinlock_pin_repeated"
        case .doubledTriple: "twinlock_pin_doubled_triple"
        case .periodic: "twinlock_pin_periodic"
        case .palindrome: "twinlock_pin_palindrome"
        case .sequence: "twinlock_pin_sequence"
        case .date: "twinlock_pin_date"
        case .keypadShape: "twinlock_pin_keypad_shape"
        case .personal: "twinlock_pin_personal"
        }
    }

    /// What the member reads, in the language of the app.
    public var text: String { Texts.text(textKey) }
}

extension Twinlock.PinFault {
    init(_ fault: TwinlockGlue.PinFault) {
        switch fault {
        case .tooShort: self = .tooShort
        case .tooLong: self = .tooLong
        case .notDigits: self = .notDigits
        case .repeated: self = .repeated
        case .doubledTriple: self = .doubledTriple
        case .periodic: self = .periodic
        case .palindrome: self = .palindrome
        case .sequence: self = .sequence
        case .date: self = .date
        case .keypadShape: self = .keypadShape
        case .personal: self = .personal
        }
    }
}
