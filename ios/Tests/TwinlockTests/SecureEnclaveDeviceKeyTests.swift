import Foundation
import StandInPhone
import Testing

@testable import Twinlock

@Suite struct SecureEnclaveDeviceKeyTests {
    private let phone = StandInSecurity()
    private let keychain = Twinlock.Keychain(service: "dev.twinlock.tests", folder: AppleStandIn.temporaryFolder())
    private let account = "mara"

    private var keys: SecureEnclaveDeviceKey { SecureEnclaveDeviceKey(keychain, security: phone) }

    /// A point of P-256 that is somebody's public key: the end of a fresh SubjectPublicKeyInfo.
    private func guess() throws -> Data {
        let other = SecureEnclaveDeviceKey(keychain, security: StandInSecurity())
        return Data(try other.generate(account: "other").suffix(65))
    }

    @Test func thePublicHalfIsASubjectPublicKeyInfoOfP256() throws {
        let spki = try keys.generate(account: account)
        #expect(spki.count == 91)
        #expect(
            spki.prefix(27).map { String(format: "%02x", $0) }.joined()
                == "3059301306072a8648ce3d020106082a8648ce3d03010703420004")
    }

    @Test func twoKeysLieInTheEnclaveOnlyUnderAPasscode() throws {
        _ = try keys.generate(account: account)
        #expect(phone.contents == ["keys dev.twinlock.tests/bind/mara", "keys dev.twinlock.tests/sign/mara"])
        let kept = phone.attributes(kSecAttrAccessible)
        #expect(kept == Array(repeating: kSecAttrAccessibleWhenPasscodeSetThisDeviceOnly, count: 2))
        #expect(phone.attributes(kSecAttrTokenID) == Array(repeating: kSecAttrTokenIDSecureEnclave, count: 2))
        #expect(try keys.level(account: account) == .secureElement)
        #expect(try keys.pinKeyKind(account: account) == .agreement)
    }

    @Test func signaturesAre64BytesAndDifferByMessage() throws {
        _ = try keys.generate(account: account)
        // Often enough that short and negative-looking numbers occur in the DER.
        for round in 0..<300 {
            #expect(try keys.sign(account: account, message: Data("message \(round)".utf8)).count == 64)
        }
    }

    @Test func aGuessDependsOnTheGuessAndOnTheKeyAndIsRepeatable() throws {
        _ = try keys.generate(account: account)
        let (one, other) = (try guess(), try guess())
        let answer = try keys.bindGuess(account: account, guess: one)
        #expect(answer.count == 32)
        #expect(try keys.bindGuess(account: account, guess: one) == answer)
        #expect(try keys.bindGuess(account: account, guess: other) != answer)
        _ = try keys.generate(account: account)
        #expect(try keys.bindGuess(account: account, guess: one) != answer)
    }

    @Test func aGuessThatIsNoPointIsRefused() throws {
        _ = try keys.generate(account: account)
        for wrong in [Data(), Data(repeating: 4, count: 64), Data([4]) + Data(repeating: 1, count: 64), Data([0])] {
            #expect(throws: Twinlock.Ports.Fault.keyUnavailable) {
                try keys.bindGuess(account: account, guess: wrong)
            }
        }
    }

    @Test func generatingAgainReplacesBothKeysAndLeavesNoOldOne() throws {
        let first = try keys.generate(account: account)
        let second = try keys.generate(account: account)
        #expect(first != second)
        #expect(phone.contents.count == 2)
    }

    @Test func accountsHaveKeysOfTheirOwn() throws {
        let mara = try keys.generate(account: "mara")
        let ines = try keys.generate(account: "ines")
        #expect(mara != ines)
        try keys.delete(account: "mara")
        try keys.delete(account: "mara")
        #expect(try keys.level(account: "ines") == .secureElement)
        #expect(throws: Twinlock.Ports.Fault.keyLost) { try keys.level(account: "mara") }
    }

    @Test func f55_withoutAPasscodeNoKeyIsMadeAndNothingIsLeft() throws {
        phone.removePasscode()
        #expect(throws: Twinlock.Ports.Fault.noScreenLock) { try keys.generate(account: account) }
        #expect(phone.contents.isEmpty)
        phone.setPasscode()
        _ = try keys.generate(account: account)
    }

    @Test func f55_aRemovedPasscodeLosesTheKeysAndEveryUseSaysSo() throws {
        _ = try keys.generate(account: account)
        phone.removePasscode()
        let point = try guess()
        #expect(throws: Twinlock.Ports.Fault.keyLost) { try keys.sign(account: account, message: Data()) }
        #expect(throws: Twinlock.Ports.Fault.keyLost) { try keys.bindGuess(account: account, guess: point) }
        #expect(throws: Twinlock.Ports.Fault.keyLost) { try keys.pinKeyKind(account: account) }
        #expect(throws: Twinlock.Ports.Fault.keyLost) { try keys.level(account: account) }
        try keys.delete(account: account)
    }

    @Test func f55_aLockedPhoneAndASilentEnclaveAreUnavailableNotLost() throws {
        _ = try keys.generate(account: account)
        phone.lockPhone()
        #expect(throws: Twinlock.Ports.Fault.keyUnavailable) { try keys.sign(account: account, message: Data()) }
        phone.unlockPhone()
        phone.setEnclave(answers: false)
        #expect(throws: Twinlock.Ports.Fault.keyUnavailable) { try keys.sign(account: account, message: Data()) }
        #expect(throws: Twinlock.Ports.Fault.keyUnavailable) { try keys.generate(account: "ines") }
        phone.setEnclave(answers: true)
        #expect(try keys.sign(account: account, message: Data()).count == 64)
    }

    @Test func f55_halfAPairIsNoneWhicheverCallFails() throws {
        // One count past the calls of a whole generation, so that the last round succeeds.
        let whole = try callsOf { _ = try keys.generate(account: account) }
        for nth in 1...whole {
            phone.fail(from: nth, status: errSecParam)
            #expect(throws: Twinlock.Ports.Fault.keyUnavailable) { try keys.generate(account: account) }
            phone.repair()
            // The next attempt starts clean: no old key answers for a new one.
            let spki = try keys.generate(account: account)
            #expect(spki.count == 91)
            #expect(phone.contents.count == 2)
        }
    }

    @Test func b40_aBiometricOpensWhatWasSealedForItAndSealingAsksNobody() throws {
        _ = try keys.generate(account: account)
        let secret = Data(repeating: 7, count: 32)
        let sealed = try keys.sealForBiometric(account: account, secret: secret)
        #expect(phone.dialogs == [])
        #expect(sealed.range(of: secret) == nil)
        #expect(try keys.openByBiometric(account: account, sealed: sealed) == secret)
        #expect(phone.dialogs == [Texts.text(Texts.biometricReason)], "in our words")
        phone.setDialog(cancelled: true)
        #expect(throws: Twinlock.Ports.Fault.cancelled) { try keys.openByBiometric(account: account, sealed: sealed) }
        phone.setDialog(cancelled: false)
        phone.lockPhone()
        #expect(throws: Twinlock.Ports.Fault.keyUnavailable) {
            try keys.openByBiometric(account: account, sealed: sealed)
        }
        phone.unlockPhone()
        // What is sealed anew has a key of its own.
        let again = try keys.sealForBiometric(account: account, secret: secret)
        #expect(throws: Twinlock.Ports.Fault.self) { try keys.openByBiometric(account: account, sealed: sealed) }
        #expect(try keys.openByBiometric(account: account, sealed: again) == secret)
    }

    @Test(arguments: [false, true]) func b40_anAddedFingerEndsThatWayInAndNoOther(isKeyFound: Bool) throws {
        _ = try keys.generate(account: account)
        let sealed = try keys.sealForBiometric(account: account, secret: Data(repeating: 7, count: 32))
        phone.addFinger(isKeyFound: isKeyFound)
        #expect(throws: Twinlock.Ports.Fault.keyLost) { try keys.openByBiometric(account: account, sealed: sealed) }
        #expect(phone.dialogs == [], "nobody is asked for nothing")
        #expect(try keys.level(account: account) == .secureElement)
        #expect(try keys.sign(account: account, message: Data()).count == 64)
    }

    @Test func b40_withoutABiometricThereIsNoSuchKey() throws {
        _ = try keys.generate(account: account)
        #expect(throws: Twinlock.Ports.Fault.keyLost) { try keys.openByBiometric(account: account, sealed: Data()) }
        phone.removeBiometrics()
        #expect(throws: Twinlock.Ports.Fault.keyLost) {
            try keys.sealForBiometric(account: account, secret: Data(repeating: 7, count: 32))
        }
        #expect(phone.contents.count == 2)
    }

    @Test func deletingTakesTheBiometricsKeyToo() throws {
        _ = try keys.generate(account: account)
        _ = try keys.sealForBiometric(account: account, secret: Data(repeating: 7, count: 32))
        #expect(phone.contents.count == 3)
        try keys.delete(account: account)
        #expect(phone.contents.isEmpty)
    }

    @Test func f54_theKeysDoNotMoveToANewPhone() throws {
        _ = try keys.generate(account: account)
        // Nothing that is kept "this device only" is in a backup: the new phone has none of it.
        let restored = SecureEnclaveDeviceKey(keychain, security: StandInSecurity())
        #expect(throws: Twinlock.Ports.Fault.keyLost) { try restored.level(account: account) }
        #expect(phone.attributes(kSecAttrAccessible).allSatisfy { $0.hasSuffix("u") })
    }

    @Test func foreignKeysWithTheSameAccountAreNotTouched() throws {
        let foreign = SecureEnclaveDeviceKey(
            Twinlock.Keychain(service: "somebody.else", folder: AppleStandIn.temporaryFolder()), security: phone)
        _ = try foreign.generate(account: account)
        _ = try keys.generate(account: account)
        try keys.delete(account: account)
        #expect(try foreign.level(account: account) == .secureElement)
    }

    private func callsOf(_ work: () throws -> Void) rethrows -> Int {
        let before = phone.callCount
        try work()
        return phone.callCount - before
    }
}
