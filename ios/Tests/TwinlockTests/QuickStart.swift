import Foundation
import StandInPhone
import Twinlock

/// The app's screen in the quick start.
actor QuickStartScreen {
    private(set) var drawn: [Twinlock.Step] = []
    private(set) var said: [String] = []

    func draw(_ step: Twinlock.Step) { drawn.append(step) }
    func say(_ text: String) { said.append(text) }
}

/// What README shows; compiled here, and run against a real portal.
func quickStart(
    _ configuration: Twinlock.Configuration, _ screen: QuickStartScreen, name: String, password: Data
) async throws {
    var password = password
    // [quick start]
    let twinlock = try await Twinlock.open(configuration)
    let drawing = Task { for await step in twinlock.steps { await screen.draw(step) } }

    // The button of the sign-in screen. `password` is Data, and empty afterwards.
    do {
        let step = try await twinlock.signIn(name: name, password: &password)
        await screen.say(step.text)
    } catch {
        await screen.say(error.localizedDescription)
    }

    // The keypad: digits go one by one into memory that is wiped.
    let entry = try twinlock.pinEntry()
    try entry.pushDigit(5)
    // [quick start end]
    twinlock.close()
    await drawing.value
}

#if !canImport(Security)
    extension Twinlock {
        /// Where there is no Security framework, on the stand-in.
        fileprivate static func open(_ configuration: Configuration) async throws -> Twinlock {
            try await open(configuration, ports: try AppleStandIn.ports(account: configuration.account))
        }
    }
#endif
