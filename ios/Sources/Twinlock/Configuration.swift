public import Foundation
import TwinlockGlue

extension Twinlock {
    /// What the app says of itself and of its portal.
    public struct Configuration: Sendable, Equatable {
        /// `https://host` or `https://host:port`. Signatures are bound to the host and a port other than 443.
        public var portalURL: String
        /// The certificates of the portal's trusted roots, PEM. The system's roots are not used.
        public var rootsPEM: Data
        /// Names the account's keys and storage on this phone: two accounts need two names.
        public var account: String
        /// The phone's name as the member and the admin see it, 1–64 characters.
        public var deviceName: String
        /// Manufacturer and model, for example `iPhone 17`.
        public var model: String
        /// System and version, for example `iOS 26.1`.
        public var system: String
        /// The app's version as `major.minor.patch`; a policy may ask for a newer one.
        public var appVersion: String

        /// See the properties.
        public init(
            portalURL: String, rootsPEM: Data, account: String, deviceName: String, model: String, system: String,
            appVersion: String
        ) {
            self.portalURL = portalURL
            self.rootsPEM = rootsPEM
            self.account = account
            self.deviceName = deviceName
            self.model = model
            self.system = system
            self.appVersion = appVersion
        }

        var glue: TwinlockGlue.EngineConfig {
            TwinlockGlue.EngineConfig(
                portalUrl: portalURL, rootsPem: rootsPEM, account: account, deviceName: deviceName, model: model,
                system: system, appVersion: appVersion
            )
        }
    }
}
