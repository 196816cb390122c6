import Foundation
import StandInPhone
import Twinlock

/// The phone: its app (open or closed), and what outlives the app.
actor ScenarioPhone {
    private var twinlock: Twinlock?
    private var made: (configuration: Twinlock.Configuration, ports: Twinlock.Ports)?

    func answer(_ ask: Ask) async throws -> Answer {
        switch ask.verb {
        case "open":
            if !ask.isBare {
                made = (try configuration(ask), try AppleStandIn.ports(account: try ask.text("account")))
            }
            guard let (configuration, ports) = made else {
                throw WrongAsk(description: "the first `open` names the portal")
            }
            do {
                let opened = try await Twinlock.open(configuration, ports: ports)
                twinlock = opened
                return Answer(step: opened.step)
            } catch {
                return Answer(error: error)
            }
        case "close":
            twinlock?.close()
            twinlock = nil
            return Answer()
        default:
            guard let twinlock else { throw WrongAsk(description: "the app is not open") }
            do {
                let value = try await act(twinlock, ask)
                return Answer(step: twinlock.step, value: value)
            } catch let error as TwinlockError {
                return Answer(step: twinlock.step, error: error)
            }
        }
    }

    private func act(_ twinlock: Twinlock, _ ask: Ask) async throws -> (any Sendable)? {
        switch ask.verb {
        case "sign_in":
            var password = try ask.bytes("password")
            try await twinlock.signIn(name: try ask.text("name"), password: &password)
        case "set_up_two_step":
            return try await twinlock.setUpTwoStep().uri
        case "submit_code":
            try await twinlock.submitCode(try ask.text("code"))
        case "refresh":
            try await twinlock.refresh()
        case "submit_pin":
            let entry = try twinlock.pinEntry()
            for digit in try ask.bytes("pin") { try entry.pushDigit(digit &- 0x30) }
            try await twinlock.submitPin(entry)
        case "vault_put":
            var secret = try ask.bytes("secret")
            try await twinlock.vault.put(&secret, for: try ask.text("name"))
        case "vault_item":
            return try await twinlock.vault.get(try ask.text("name")).map { String(decoding: $0, as: UTF8.self) }
        case "files":
            return try await twinlock.files().map(\.name)
        case "download":
            let name = try ask.text("name")
            guard let file = try await twinlock.files().first(where: { $0.name == name }) else {
                throw TwinlockError.entryRefused(.notFound)
            }
            return try await twinlock.download(id: file.id).base64EncodedString()
        case let verb:
            throw WrongAsk(description: "this phone does not know how to `\(verb)`")
        }
        return nil
    }

    private func configuration(_ ask: Ask) throws -> Twinlock.Configuration {
        Twinlock.Configuration(
            portalURL: try ask.text("base_url"), rootsPEM: try ask.bytes("roots_pem"),
            account: try ask.text("account"), deviceName: try ask.text("device_name"), model: try ask.text("model"),
            system: try ask.text("system"), appVersion: try ask.text("app_version")
        )
    }
}
