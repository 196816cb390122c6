import Foundation
import StandInPhone
import Testing

@testable import Twinlock

/// A PIN's life with the real portal: changed, forgotten, replaced by a finger, and locked by itself. Part of the suite
/// that shares the phone, and leaves it as it found it.
extension PortalTests {
    private func change(_ isRepeat: Bool) -> Twinlock.Step {
        .changePin(.init(minLength: 6, maxLength: 12, isRepeat: isRepeat))
    }

    @Test func b42_timeThatPassesLocksByThePolicy() async throws {
        let phone = try await EnrolledPhone.shared()
        try await phone.twinlock.lock()
        try await phone.submit(EnrolledPhone.digits)
        #expect(try await phone.twinlock.tick() == .ready)
        phone.clock.pass(minutes: 14)
        #expect(try await phone.twinlock.tick() == .ready)
        phone.clock.pass(minutes: 15)
        #expect(try await phone.twinlock.tick() == .enterPin(triesLeft: 8))
        #expect(phone.twinlock.step == .enterPin(triesLeft: 8))
        await #expect(throws: TwinlockError.stepRequired(.locked)) { try await phone.twinlock.vault.get("a") }
        #expect(try await phone.submit(EnrolledPhone.digits) == .ready)
    }

    @Test func b43_aChangeWantsThePinWithinFiveMinutesAndKeepsTheVault() async throws {
        let phone = try await EnrolledPhone.shared()
        let (old, new) = (EnrolledPhone.digits, [7, 2, 9, 4, 0, 6] as [UInt8])
        var secret = Data("kept".utf8)
        try await phone.twinlock.vault.put(&secret, for: "over a change")
        try await phone.twinlock.lock()
        try await phone.submit(old)
        #expect(try await phone.twinlock.changePin() == change(false))
        #expect(try await phone.submit(new) == change(true))
        #expect(try await phone.submit(new) == .ready)
        try await phone.twinlock.lock()
        await #expect(throws: TwinlockError.wrongPin(.wrongPin, triesLeft: 7, retryAfter: .zero)) {
            try await phone.submit(old)
        }
        #expect(try await phone.submit(new) == .ready)
        #expect(try await phone.twinlock.vault.get("over a change") == Data("kept".utf8))
        // Entered too long ago: the PIN comes first.
        phone.clock.pass(minutes: 5)
        #expect(try await phone.twinlock.changePin() == .enterPin(triesLeft: 8))
        #expect(try await phone.submit(new) == change(false))
        #expect(try await phone.submit(old) == change(true))
        #expect(try await phone.submit(old) == .ready)
    }

    @Test func b43_aForgottenPinIsReplacedAndTheOldVaultNeverOpensAndARevokedPhoneIsEmpty() async throws {
        let world = try await EnrolledPhone.shared().world
        let phone = try await EnrolledPhone.enroll(try await world.member(1), in: world)
        let twinlock = phone.twinlock
        defer { twinlock.close() }
        var (secret, password) = (Data("old".utf8), phone.member.password)
        try await twinlock.vault.put(&secret, for: "kept")
        try await twinlock.lock()
        #expect(try await twinlock.signIn(name: phone.member.email, password: &password) == .enterCode)
        try await nextCode()
        // The member has also taken the passcode away: that is told, and nothing is lost by setting one.
        phone.security.removePasscode()
        let code = try await world.code(scanning: phone.uri)
        await #expect(throws: TwinlockError.retry(.noScreenLock)) { try await twinlock.submitCode(code) }
        phone.security.setPasscode()
        guard case .awaitApproval(let comparison?) = try await twinlock.refresh() else {
            throw World.Missing(description: "the phone shows no comparison code but \(twinlock.step)")
        }
        try await world.approve(phone.member, comparisonCode: comparison)
        #expect(try await twinlock.refresh() == .createPin(.init(minLength: 6, maxLength: 12, isRepeat: false)))
        let new: [UInt8] = [7, 2, 9, 4, 0, 6]
        try await phone.submit(new)
        #expect(try await phone.submit(new) == .ready)
        #expect(try await twinlock.vault.get("kept") == nil)
        try await twinlock.lock()
        await #expect(throws: TwinlockError.wrongPin(.wrongPin, triesLeft: 7, retryAfter: .zero)) {
            try await phone.submit(EnrolledPhone.digits)
        }
        #expect(try await phone.submit(new) == .ready)
        // The end of this phone: an admin wipes it from afar.
        try await world.revoke(phone.member)
        await #expect(throws: TwinlockError.enrollAgain(.deviceRevoked)) { try await twinlock.refresh() }
        #expect(twinlock.step == .blocked(.revoked))
        #expect(!phone.security.contents.contains { $0.hasPrefix("keys") })
        let ports = try AppleStandIn.ports(account: phone.member.email, security: phone.security, folder: phone.folder)
        let reopened = try await Twinlock.open(phone.member.configuration, ports: ports)
        defer { reopened.close() }
        #expect(reopened.step == .blocked(.revoked))
    }

    /// The portal takes each code once, and the app shows another every thirty seconds.
    private func nextCode() async throws {
        let rest = 30_000 - Date().epochMs % 30_000
        try await Task.sleep(for: .milliseconds(rest + 500))
    }

    @Test func b40_aBiometricIsATryThatThePortalCountsAndADialogPutAwayIsNone() async throws {
        let phone = try await EnrolledPhone.shared()
        let (twinlock, security) = (phone.twinlock, phone.security)
        try await twinlock.useBiometric(true)
        try await twinlock.lock()
        try await phone.submit(EnrolledPhone.digits)
        try await twinlock.lock()
        security.setDialog(cancelled: true)
        await #expect(throws: TwinlockError.stepRequired(.biometricCancelled)) {
            try await twinlock.unlockWithBiometric()
        }
        security.setDialog(cancelled: false)
        // The chip fails after the portal has counted and before the proof.
        phone.keys.onGuess { security.setEnclave(answers: false) }
        await #expect(throws: TwinlockError.retry(.keyUnavailable)) { try await twinlock.unlockWithBiometric() }
        phone.keys.onGuess(nil)
        security.setEnclave(answers: true)
        await #expect(throws: TwinlockError.wrongPin(.wrongPin, triesLeft: 6, retryAfter: .zero)) {
            try await phone.submit(EnrolledPhone.wrongDigits)
        }
        #expect(try await twinlock.unlockWithBiometric() == .ready)
        try await twinlock.useBiometric(false)
    }

    @Test func b40_aFingerOpensUntilOneIsAddedAndThePinAlways() async throws {
        let phone = try await EnrolledPhone.shared()
        let twinlock = phone.twinlock
        try await twinlock.lock()
        await #expect(throws: TwinlockError.stepRequired(.biometricLost), "never switched on") {
            try await twinlock.unlockWithBiometric()
        }
        try await twinlock.useBiometric(true)
        #expect(try await twinlock.hasBiometric() == false, "the next PIN switches it on")
        #expect(try await phone.submit(EnrolledPhone.digits) == .ready)
        #expect(try await twinlock.hasBiometric())
        try await twinlock.lock()
        let before = phone.security.dialogs.count
        #expect(try await twinlock.unlockWithBiometric() == .ready)
        #expect(phone.security.dialogs.count == before + 1)
        try await twinlock.lock()
        phone.security.setDialog(cancelled: true)
        await #expect(throws: TwinlockError.stepRequired(.biometricCancelled)) {
            try await twinlock.unlockWithBiometric()
        }
        phone.security.setDialog(cancelled: false)
        #expect(twinlock.step == .enterPin(triesLeft: 8), "nothing was counted")
        phone.security.addFinger()
        await #expect(throws: TwinlockError.stepRequired(.biometricLost)) { try await twinlock.unlockWithBiometric() }
        #expect(try await twinlock.hasBiometric() == false)
        #expect(try await phone.submit(EnrolledPhone.digits) == .ready)
        // On again, and off at once.
        try await twinlock.useBiometric(true)
        try await twinlock.lock()
        try await phone.submit(EnrolledPhone.digits)
        #expect(try await twinlock.hasBiometric())
        try await twinlock.useBiometric(false)
        #expect(try await twinlock.hasBiometric() == false)
    }

    /// The other sessions of the member end with it; the phone's PIN opens another one.
    @Test func f74_aRecoveryCodeLeadsToANewAuthenticator() async throws {
        let phone = try await EnrolledPhone.shared()
        #expect(Set(phone.recoveryCodes).count == 10)
        #expect(try await phone.twinlock.takeRecoveryCodes() == nil, "once")
        let copy = StandInSecurity(copyOf: phone.security)
        let ports = try AppleStandIn.ports(account: phone.member.email, security: copy, folder: phone.folder)
        let twinlock = try await Twinlock.open(phone.member.configuration, ports: ports)
        defer { twinlock.close() }
        var password = phone.member.password
        #expect(try await twinlock.signIn(name: phone.member.email, password: &password) == .enterCode)
        await #expect(throws: TwinlockError.entryRefused(.codeMalformed)) {
            try await twinlock.submitRecoveryCode("123456")
        }
        let typed = phone.recoveryCodes[0].lowercased().replacingOccurrences(of: "-", with: " ")
        #expect(try await twinlock.submitRecoveryCode(typed) == .setUpTwoStep)
        try await phone.twinlock.lock()
        #expect(try await phone.submit(EnrolledPhone.digits) == .ready)
        await #expect(throws: TwinlockError.stepRequired(.freshCodeRequired)) {
            try await phone.twinlock.newRecoveryCodes()
        }
    }
}
