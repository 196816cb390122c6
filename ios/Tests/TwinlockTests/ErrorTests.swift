import Foundation
import Testing
import TwinlockGlue

@testable import Twinlock

@Suite struct ErrorTests {
    @Test func codesAndNamesAreTheTableOfTheDocumentation() throws {
        let table = try Project.errorTable()
        #expect(table.count > 50)
        #expect(
            table.map { "\($0.number) \($0.name)" } == TwinlockError.Code.allCases.map { "\($0.rawValue) \($0.name)" })
    }

    /// The twelve cases of the glue, each with its code.
    private func glue(_ name: String, _ code: UInt16) -> EngineError? {
        switch name {
        case "EntryRefused": .EntryRefused(code: code)
        case "PinRefused": .PinRefused(code: code, reason: .sequence)
        case "WrongPin": .WrongPin(code: code, triesLeft: 7, retryAfterMs: 30_000)
        case "Wait": .Wait(code: code, retryAfterMs: 1)
        case "StepRequired": .StepRequired(code: code)
        case "EnrollAgain": .EnrollAgain(code: code)
        case "AskAdmin": .AskAdmin(code: code)
        case "Retry": .Retry(code: code)
        case "NotTrusted": .NotTrusted(code: code)
        case "UpdateApp": .UpdateApp(code: code)
        case "Misuse": .Misuse(code: code)
        case "Internal": .Internal(code: code)
        default: nil
        }
    }

    @Test func eachCodeOfTheTableArrivesInItsCase() throws {
        for row in try Project.errorTable() {
            let error = TwinlockError(try #require(glue(row.errorCase, row.number), "\(row.errorCase)"))
            let name = try #require(Mirror(reflecting: error).children.first?.label)
            #expect(name.lowercased() == row.errorCase.lowercased())
            #expect(error.code.rawValue == row.number)
            #expect(error.code.label == "TL-\(row.number)")
            #expect(error.errorKey == "twinlock_error_\(row.number)")
            #expect("\(error)" == "TL-\(row.number)")
        }
    }

    @Test func numbersArriveInTheirUnits() {
        let error = TwinlockError(EngineError.WrongPin(code: 1003, triesLeft: 7, retryAfterMs: 30_001))
        #expect(error == .wrongPin(.wrongPin, triesLeft: 7, retryAfter: .milliseconds(30_001)))
        #expect(TwinlockError(EngineError.Wait(code: 1004, retryAfterMs: .max)) != error)
        let refused = TwinlockError(EngineError.PinRefused(code: 1001, reason: .keypadShape))
        #expect(refused == .pinRefused(.pinRefused, reason: .keypadShape))
    }

    @Test func aNumberThatNobodyKnowsIsAFaultOfOurs() {
        #expect(TwinlockError(EngineError.Retry(code: 4999)) == .retry(.internal))
    }

    @Test func f75_aPanicInRustArrivesAsAnErrorWithoutItsText() {
        do {
            try testPanic()
            Issue.record("it did not panic")
        } catch {
            let arrived = TwinlockError(error)
            #expect(arrived == .internal(.internal))
            #expect(!"\(arrived) \(arrived.localizedDescription) \(String(reflecting: arrived))".contains("panic"))
        }
    }
}

@Suite struct TextTests {
    private func strings(_ language: String) throws -> [String: String] {
        let path = "ios/Sources/Twinlock/Resources/\(language).lproj/Localizable.strings"
        let data = try Data(contentsOf: Project.root.appendingPathComponent(path))
        let list = try PropertyListSerialization.propertyList(from: data, format: nil)
        return try #require(list as? [String: String])
    }

    @Test func englishBeginsWithTheWordsOfTheTable() throws {
        let english = try strings("en")
        for row in try Project.errorTable() {
            let words = row.happened.replacingOccurrences(of: "`", with: "")
            #expect(english["twinlock_error_\(row.number)"]?.hasPrefix(words) == true, "TL-\(row.number)")
        }
    }

    @Test func everyLanguageHasEveryKeyAndNoOther() throws {
        let request = { Twinlock.PinRequest(minLength: 6, maxLength: 12, isRepeat: $0) }
        let steps: [Twinlock.Step] =
            [
                .signIn, .setUpTwoStep, .enterCode, .awaitApproval(comparisonCode: nil), .createPin(request(false)),
                .createPin(request(true)), .enterPin(triesLeft: 8), .changePin(request(false)),
                .changePin(request(true)), .wait(until: Date()), .ready,
            ] + Twinlock.BlockedReason.allCases.map { .blocked($0) }
        let faults = Twinlock.PinFault.allCases.map(\.textKey)
        let keys = Set(
            TwinlockError.Code.allCases.map(\.errorKey) + steps.map(\.textKey) + faults + [Texts.biometricReason])
        for language in ["en", "de"] {
            let texts = try strings(language)
            #expect(Set(texts.keys) == keys, "\(language)")
            #expect(texts.values.allSatisfy { !$0.isEmpty }, "\(language)")
        }
    }

    @Test func germanIsGerman() throws {
        let (english, german) = (try strings("en"), try strings("de"))
        #expect(german.allSatisfy { key, text in english[key] != text })
    }

    @Test func theTextOfAnErrorIsFoundAtRunTime() throws {
        let error = TwinlockError.misuse(.closed)
        let texts = try ["en", "de"].map { try strings($0)[error.errorKey] }
        #expect(texts.contains(error.localizedDescription))
        #expect(Twinlock.Step.ready.text != Twinlock.Step.ready.textKey)
    }
}
