public import Foundation
import TwinlockGlue

/// One-time codes (RFC 6238) for apps that keep secrets of their own. The portal checks its codes itself.
///
/// A code is accepted once: this object remembers the last step it accepted. Safe from several threads.
public final class OneTimeCode: Sendable {
    /// What became of a code.
    public enum Match: Sendable, Equatable {
        /// The code is right, and now used up. Keep the time step and pass it as `lastStep` when the app starts again.
        case accepted(step: UInt64)
        /// The code was used before, or a later one was.
        case replayed
        /// Neither the step before nor the present nor the next one has this code.
        case wrong
    }

    private let code: TwinlockGlue.OneTimeCode

    /// Reads an `otpauth://totp/…` URI.
    /// - Parameters:
    ///   - uri: UTF-8 bytes. Overwritten and emptied before the call returns, also when it fails.
    ///   - lastStep: The time step that was accepted last, if one was.
    /// - Throws: ``TwinlockError/entryRefused(_:)`` (TL-2005) for anything that apps could read in two ways.
    public init(uri: inout Data, lastStep: UInt64? = nil) throws(TwinlockError) {
        defer { uri.wipe() }
        do {
            code = try TwinlockGlue.OneTimeCode.parseUri(uri: uri, lastStep: lastStep)
        } catch {
            throw TwinlockError(error)
        }
    }

    /// Checks what was typed: the step before, the present one and the next, each once.
    /// - Parameters:
    ///   - typed: As typed; spaces, hyphens, Arabic-Indic and full-width digits are understood.
    ///   - time: Now. What is before 1970 counts as its beginning.
    /// - Throws: ``TwinlockError/entryRefused(_:)`` (TL-2001) for what cannot be a code, ``TwinlockError/misuse(_:)``
    ///   (TL-2008) for a time beyond what codes can be computed for.
    public func check(_ typed: String, at time: Date) throws(TwinlockError) -> Match {
        do {
            switch try code.check(typed: typed, nowMs: time.epochMs) {
            case .accepted(let step): return .accepted(step: step)
            case .replayed: return .replayed
            case .wrong: return .wrong
            }
        } catch {
            throw TwinlockError(error)
        }
    }

    /// The time step of a moment: seconds since 1970 divided by ``period``.
    public func step(at time: Date) throws(TwinlockError) -> UInt64 {
        do {
            return try code.stepAt(nowMs: time.epochMs)
        } catch {
            throw TwinlockError(error)
        }
    }

    /// How long a code is shown: 30 or 60 seconds.
    public var period: Duration {
        get throws(TwinlockError) {
            do {
                return .seconds(Int64(try code.periodS()))
            } catch {
                throw TwinlockError(error)
            }
        }
    }

    /// Digits of a code, 6 or 8.
    public var digits: Int {
        get throws(TwinlockError) {
            do {
                return Int(try code.digits())
            } catch {
                throw TwinlockError(error)
            }
        }
    }
}
