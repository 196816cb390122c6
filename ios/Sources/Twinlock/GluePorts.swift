import Foundation
import TwinlockGlue

/// Ports of the app as the glue wants them.
final class DeviceKeyPort: TwinlockGlue.DeviceKey {
    private let port: any Twinlock.Ports.DeviceKey

    init(_ port: any Twinlock.Ports.DeviceKey) {
        self.port = port
    }

    func generate(account: String) throws -> Data {
        try told(try port.generate(account: account))
    }

    func sign(account: String, message: Data) throws -> Data {
        try told(try port.sign(account: account, message: message))
    }

    func pinKeyKind(account: String) throws -> TwinlockGlue.PinKeyKind {
        switch try told(try port.pinKeyKind(account: account)) {
        case .mac: .mac
        case .agreement: .agreement
        }
    }

    func bindGuess(account: String, guess: Data) throws -> Data {
        try told(try port.bindGuess(account: account, guess: guess))
    }

    func sealForBiometric(account: String, secret: Data) throws -> Data {
        try told(try port.sealForBiometric(account: account, secret: secret))
    }

    func openByBiometric(account: String, sealed: Data) throws -> Data {
        try told(try port.openByBiometric(account: account, sealed: sealed))
    }

    func delete(account: String) throws {
        try told(try port.delete(account: account))
    }

    func level(account: String) throws -> TwinlockGlue.KeyLevel {
        switch try told(try port.level(account: account)) {
        case .secureElement: .secureElement
        case .trustedEnvironment: .trustedEnvironment
        case .software: .software
        }
    }
}

final class StorePort: TwinlockGlue.Store {
    private let port: any Twinlock.Ports.Store

    init(_ port: any Twinlock.Ports.Store) {
        self.port = port
    }

    func read(name: String) throws -> Data? {
        try told(try port.read(name: name))
    }

    func write(name: String, bytes: Data) throws {
        try told(try port.write(name: name, bytes: bytes))
    }

    func remove(name: String) throws {
        try told(try port.remove(name: name))
    }
}

final class ClockPort: TwinlockGlue.Clock {
    private let port: any Twinlock.Ports.Clock

    init(_ port: any Twinlock.Ports.Clock) {
        self.port = port
    }

    func wallMs() throws -> UInt64 {
        try told(try port.wallMs())
    }

    func bootMs() throws -> UInt64 {
        try told(try port.bootMs())
    }
}

/// A fault of the port's, as the glue declares it.
private func told<Answer>(_ call: @autoclosure () throws -> Answer) throws -> Answer {
    do {
        return try call()
    } catch let fault as Twinlock.Ports.Fault {
        throw HostError(fault)
    }
}

extension HostError {
    init(_ fault: Twinlock.Ports.Fault) {
        switch fault {
        case .keyLost: self = .KeyLost
        case .keyUnavailable: self = .KeyUnavailable
        case .noScreenLock: self = .NoScreenLock
        case .cancelled: self = .Cancelled
        case .storeFailed: self = .StoreFailed
        case .host: self = .Host
        }
    }
}
