import Foundation
import StandInPhone
import Testing

@testable import Twinlock

/// The keychain survives the app: what an earlier installation left must not count, and others' items are theirs.
@Suite struct LeftoverTests {
    private let phone = StandInSecurity(groups: ["TEAM.app", "TEAM.shared"])
    private let keychain = Twinlock.Keychain(service: "dev.twinlock.tests", folder: AppleStandIn.temporaryFolder())

    private func ports(_ keychain: Twinlock.Keychain) throws -> Twinlock.Ports {
        try Twinlock.Ports(keychain: keychain, account: "mara", security: phone)
    }

    private func uninstall() throws {
        try FileManager.default.removeItem(at: keychain.folder)
    }

    @Test func b38_aReinstalledAppFindsNeitherKeyNorPin() throws {
        let first = try ports(keychain)
        _ = try first.deviceKey.generate(account: "mara")
        try first.store.write(name: "pin-1", bytes: Data([1]))
        try uninstall()
        #expect(phone.contents.count == 3, "Apple's keychain survives the app")
        let second = try ports(keychain)
        #expect(try second.store.read(name: "pin-1") == nil)
        #expect(throws: Twinlock.Ports.Fault.keyLost) { try second.deviceKey.level(account: "mara") }
        #expect(phone.contents.isEmpty)
    }

    @Test func b38_foreignItemsAreNeverTouched() throws {
        let foreign = Twinlock.Keychain(service: "somebody.else", folder: AppleStandIn.temporaryFolder())
        let shared = Twinlock.Keychain(
            service: "a.sibling", accessGroup: "TEAM.shared", folder: AppleStandIn.temporaryFolder())
        for others in [foreign, shared] {
            let ports = try ports(others)
            _ = try ports.deviceKey.generate(account: "mara")
            try ports.store.write(name: "pin-1", bytes: Data([1]))
        }
        let before = phone.contents
        _ = try ports(keychain)
        #expect(phone.contents == before)
    }

    @Test func b38_aLaterLaunchWipesNothing() throws {
        let first = try ports(keychain)
        _ = try first.deviceKey.generate(account: "mara")
        try first.store.write(name: "pin-1", bytes: Data([1]))
        let second = try ports(keychain)
        #expect(try second.store.read(name: "pin-1") == Data([1]))
        #expect(try second.deviceKey.level(account: "mara") == .secureElement)
    }

    @Test func b38_whatCannotBeWipedIsNotOpened() throws {
        _ = try ports(keychain).store.write(name: "pin-1", bytes: Data([1]))
        try uninstall()
        phone.fail(from: 1, status: errSecNotAvailable)
        #expect(throws: Twinlock.Ports.Fault.storeFailed) { try ports(keychain) }
        phone.repair()
        // The mark was not set: the next launch wipes.
        #expect(try ports(keychain).store.read(name: "pin-1") == nil)
    }

    @Test func b38_aMarkThatCannotBeReadIsNotAMissingOne() throws {
        let first = try ports(keychain)
        try first.store.write(name: "pin-1", bytes: Data([1]))
        // A file where the folder should be: the system answers with something else than "not there".
        var unreadable = keychain
        unreadable.folder = keychain.folder.appendingPathComponent("dev.twinlock.tests.installed/within")
        #expect(throws: Twinlock.Ports.Fault.storeFailed) { try ports(unreadable) }
        #expect(try first.store.read(name: "pin-1") == Data([1]), "nothing was wiped on a guess")
    }

    @Test func b38_theMarkIsSetOnlyAfterTheWiping() throws {
        _ = try ports(keychain).store.write(name: "pin-1", bytes: Data([1]))
        try uninstall()
        // The second of the two deletions fails.
        phone.fail(from: 2, status: errSecNotAvailable)
        #expect(throws: Twinlock.Ports.Fault.storeFailed) { try ports(keychain) }
        phone.repair()
        #expect(!FileManager.default.fileExists(atPath: keychain.folder.path))
    }
}
