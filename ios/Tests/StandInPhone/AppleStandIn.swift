package import Foundation
package import Twinlock

/// An iPhone for whoever has none: the production adapters over the stand-in of Apple's framework.
package enum AppleStandIn {
    /// The ports of an app that was installed a moment ago.
    package static func ports(
        account: String, security: StandInSecurity = StandInSecurity(), folder: URL = temporaryFolder()
    ) throws(Twinlock.Ports.Fault) -> Twinlock.Ports {
        let keychain = Twinlock.Keychain(service: "dev.twinlock.stand-in", folder: folder)
        return try Twinlock.Ports(keychain: keychain, account: account, security: security)
    }

    /// A folder of its own that nobody has made yet.
    package static func temporaryFolder() -> URL {
        let name = "twinlock-\(UUID().uuidString)"
        return FileManager.default.temporaryDirectory.appendingPathComponent(name, isDirectory: true)
    }
}
