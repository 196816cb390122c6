import Foundation
import Testing

@testable import Twinlock

@Suite struct OneTimeCodeTests {
    private struct Case {
        let uri: Data
        let time: Date
        let step: UInt64
        let code: String
    }

    private func cases() throws -> [Case] {
        let cases = try #require(try Project.json("tests/vectors/codes.json")["cases"] as? [[String: Any]])
        return try cases.map { one in
            let text = { (name: String) in "\(one[name] ?? "missing")" }
            let uri =
                "otpauth://totp/a?secret=\(text("secret_base32"))&algorithm=\(text("algorithm"))"
                + "&digits=\(text("digits"))&period=\(text("period_s"))"
            let time = Date(timeIntervalSince1970: try #require(Double(text("time_s"))))
            return Case(uri: Data(uri.utf8), time: time, step: try #require(UInt64(text("step"))), code: text("code"))
        }
    }

    @Test func theCodesOfTheRfcsAreAcceptedOnce() throws {
        let cases = try cases()
        #expect(cases.count > 10)
        for one in cases {
            var uri = one.uri
            let code = try OneTimeCode(uri: &uri)
            #expect(uri.isEmpty)
            #expect(try code.check(one.code, at: one.time) == .accepted(step: one.step))
            #expect(try code.check(one.code, at: one.time) == .replayed)
            #expect(try code.step(at: one.time) == one.step)
        }
    }

    @Test func anAcceptedStepIsRememberedAcrossAStart() throws {
        let one = try #require(try cases().last)
        var uri = one.uri
        #expect(try OneTimeCode(uri: &uri, lastStep: one.step).check(one.code, at: one.time) == .replayed)
    }

    @Test func uriFaultsArriveTyped() throws {
        let bad = try #require(try Project.json("tests/vectors/otpauth.json")["bad"] as? [[String: Any]])
        #expect(bad.count > 20)
        for one in bad {
            var uri = Data("\(one["uri"] ?? "")".utf8)
            #expect(throws: TwinlockError.entryRefused(.uriRefused), "\(one["id"] ?? "")") {
                try OneTimeCode(uri: &uri)
            }
        }
        var noText = Data([0xC3, 0x28])
        #expect(throws: TwinlockError.entryRefused(.uriRefused)) { try OneTimeCode(uri: &noText) }
    }

    @Test func timesThatCannotBeAreRefusedAndNothingTraps() throws {
        var uri = try #require(try cases().first).uri
        let code = try OneTimeCode(uri: &uri)
        #expect(throws: TwinlockError.misuse(.timeOutOfRange)) { try code.check("123456", at: .distantFuture + 1e30) }
        #expect(try code.step(at: .distantPast) == 0)
        #expect(try code.step(at: Date(timeIntervalSince1970: -.infinity)) == 0)
        #expect(throws: TwinlockError.entryRefused(.codeMalformed)) { try code.check("", at: Date()) }
        #expect(try code.period == .seconds(30))
        #expect(try code.digits == 6)
    }
}
