import Foundation
import StandInPhone
import Testing

@testable import Twinlock

@Suite struct KeychainStoreTests {
    private let phone = StandInSecurity()
    private let keychain = Twinlock.Keychain(service: "dev.twinlock.tests", folder: AppleStandIn.temporaryFolder())

    private func store(_ account: String = "mara") -> KeychainStore {
        KeychainStore(keychain, account: account, security: phone)
    }

    @Test func whatWasWrittenIsReadAndOverwrittenAndRemoved() throws {
        let store = store()
        #expect(try store.read(name: "a") == nil)
        try store.write(name: "a", bytes: Data([1, 2]))
        #expect(try store.read(name: "a") == Data([1, 2]))
        try store.write(name: "a", bytes: Data([3]))
        #expect(try store.read(name: "a") == Data([3]))
        try store.remove(name: "a")
        try store.remove(name: "a")
        #expect(try store.read(name: "a") == nil)
    }

    @Test func anEmptyBlobIsNotAMissingOne() throws {
        try store().write(name: "a", bytes: Data())
        #expect(try store().read(name: "a") == Data())
    }

    @Test func accountsAreKeptApartAlsoWhenTheirNamesLookAlike() throws {
        try store("a").write(name: "b/c", bytes: Data([1]))
        #expect(try store("a/b").read(name: "c") == nil)
        try store("a/b").write(name: "c", bytes: Data([2]))
        #expect(try store("a").read(name: "b/c") == Data([1]))
    }

    @Test func itemsStayOnThisPhoneAndNeedAnUnlockedOne() throws {
        try store().write(name: "a", bytes: Data([1]))
        #expect(phone.attributes(kSecAttrAccessible) == [kSecAttrAccessibleWhenUnlockedThisDeviceOnly])
        phone.lockPhone()
        #expect(throws: Twinlock.Ports.Fault.storeFailed) { try store().read(name: "a") }
        #expect(throws: Twinlock.Ports.Fault.storeFailed) { try store().write(name: "a", bytes: Data([2])) }
        phone.unlockPhone()
        #expect(try store().read(name: "a") == Data([1]))
    }

    @Test func theStoreOutlivesThePasscodeSoThatALostKeyCanBeTold() throws {
        try store().write(name: "a", bytes: Data([1]))
        phone.removePasscode()
        #expect(try store().read(name: "a") == Data([1]))
    }

    @Test func aRaceForTheFirstWriteIsWonByWhoeverIsLast() async throws {
        let store = store()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for value in UInt8(0)..<50 {
                group.addTask { try store.write(name: "a", bytes: Data([value])) }
            }
            try await group.waitForAll()
        }
        #expect(phone.contents.count == 1)
        #expect(try store.read(name: "a")?.count == 1)
    }

    @Test func aDuplicateBetweenUpdateAndAddIsUpdated() throws {
        let racing = RacingSecurity(phone) { [keychain, phone] in
            try KeychainStore(keychain, account: "mara", security: phone).write(name: "a", bytes: Data([1]))
        }
        try KeychainStore(keychain, account: "mara", security: racing).write(name: "a", bytes: Data([2]))
        #expect(try store().read(name: "a") == Data([2]))
    }

    @Test func f55_everyStatusOfTheStoreArrivesTyped() {
        for status in [errSecDuplicateItem, errSecInteractionNotAllowed, errSecMissingEntitlement, errSecParam, -26276]
        {
            phone.fail(from: 1, status: status)
            #expect(throws: Twinlock.Ports.Fault.storeFailed) { try store().read(name: "a") }
            #expect(throws: Twinlock.Ports.Fault.storeFailed) { try store().write(name: "a", bytes: Data()) }
            #expect(throws: Twinlock.Ports.Fault.storeFailed) { try store().remove(name: "a") }
            phone.repair()
        }
    }

    @Test func aGroupTheAppMayNotUseIsRefused() {
        var foreign = keychain
        foreign.accessGroup = "TEAM.foreign"
        let store = KeychainStore(foreign, account: "mara", security: phone)
        #expect(throws: Twinlock.Ports.Fault.storeFailed) { try store.write(name: "a", bytes: Data()) }
    }

    @Test func anExtensionOfTheSameGroupSeesTheItems() throws {
        let shared = Twinlock.Keychain(service: "s", accessGroup: "TEAM.shared", folder: AppleStandIn.temporaryFolder())
        phone.run(appWithGroups: ["TEAM.app", "TEAM.shared"])
        try KeychainStore(shared, account: "mara", security: phone).write(name: "a", bytes: Data([7]))
        phone.run(appWithGroups: ["TEAM.extension", "TEAM.shared"])
        #expect(try KeychainStore(shared, account: "mara", security: phone).read(name: "a") == Data([7]))
        phone.run(appWithGroups: ["TEAM.other"])
        #expect(throws: Twinlock.Ports.Fault.storeFailed) {
            try KeychainStore(shared, account: "mara", security: phone).read(name: "a")
        }
    }
}
