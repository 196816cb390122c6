import Foundation
import Testing

@testable import Twinlock

@Suite struct EllipticCurveTests {
    private func integer(_ bytes: [UInt8]) -> [UInt8] { [2, UInt8(bytes.count)] + bytes }

    private func der(_ r: [UInt8], _ s: [UInt8]) -> Data {
        let pair = integer(r) + integer(s)
        return Data([0x30, UInt8(pair.count)] + pair)
    }

    @Test func shortNumbersAreFilledUpAndLeadingZerosGo() throws {
        let high = [0] + [UInt8](repeating: 0xFF, count: 32)
        let fixed = try EcdsaSignature.fixed(der: der([1], high))
        #expect(fixed == Data(repeating: 0, count: 31) + [1] + Data(repeating: 0xFF, count: 32))
    }

    @Test func whatIsNoSignatureIsRefused() {
        let good = der([1], [2])
        var wrong = (0..<good.count).map { good.prefix($0) }
        wrong += [good + [0], der([0], [1]), der([1], [0]), der([0x80], [1]), der([], [1])]
        wrong += [der([UInt8](repeating: 1, count: 33), [1]), Data([0x30, 0x81, 0x06]) + good.dropFirst(2)]
        wrong += [Data([0x31]) + good.dropFirst(), der([1], [2]).dropLast() + [2, 3], Data()]
        wrong.append(Data([0x30, 9] + integer([1]) + integer([2]) + integer([3])))
        for der in wrong.map({ Data($0) }) {
            #expect(throws: SecurityFault.self, "\(Array(der))") { try EcdsaSignature.fixed(der: der) }
        }
    }

    @Test func onlyAnUncompressedPointIsWrapped() {
        for wrong in [Data(), Data(repeating: 4, count: 64), Data(repeating: 2, count: 65)] {
            #expect(throws: SecurityFault.self) { try SubjectPublicKeyInfo.der(point: wrong) }
        }
    }

    @Test func everyStatusHasItsCaseAndTheRestKeepsItsNumber() {
        #expect(SecurityFault(status: errSecItemNotFound) == .notFound)
        #expect(SecurityFault(status: errSecDuplicateItem) == .duplicate)
        #expect(SecurityFault(status: errSecInteractionNotAllowed) == .locked)
        for status in [errSecDecode, errSecAuthFailed, errSecNotAvailable] {
            #expect(SecurityFault(status: status) == .noPasscode)
        }
        #expect(SecurityFault(status: errSecMissingEntitlement) == .missingEntitlement)
        #expect(SecurityFault(status: -4) == .other(-4))
        #expect(SecurityFault(domain: NSOSStatusErrorDomain, code: -25300) == .notFound)
        #expect(SecurityFault(domain: "CryptoTokenKit", code: -25300) == .other(errSecParam))
        #expect(SecurityFault(status: errSecUserCanceled) == .cancelled)
        let dialogs = "com.apple.LocalAuthentication"
        for code in [-2, -3, -4, -9] { #expect(SecurityFault(domain: dialogs, code: code) == .cancelled) }
        #expect(SecurityFault(domain: dialogs, code: -5) == .noPasscode)
        #expect(SecurityFault(domain: dialogs, code: -7) == .notFound)
        #expect(SecurityFault(domain: dialogs, code: -8) == .other(errSecParam), "locked out for now")
    }
}
