import Foundation
import Testing

@testable import Twinlock

@Suite struct PinEntryTests {
    @Test func digitsAreCountedRemovedAndCleared() throws {
        let entry = try Twinlock.PinEntry()
        #expect(try entry.count == 0)
        for digit in UInt8(0)..<10 { try entry.pushDigit(digit) }
        #expect(try entry.count == 10)
        try entry.backspace()
        #expect(try entry.count == 9)
        try entry.clear()
        try entry.backspace()
        #expect(try entry.count == 0)
    }

    @Test func whatIsNoDigitAndTheThirteenthAreRefusedAndNotAppended() throws {
        let entry = try Twinlock.PinEntry()
        for wrong: UInt8 in [10, 48, 57, 255] {
            #expect(throws: TwinlockError.pinRefused(.pinRefused, reason: .notDigits)) { try entry.pushDigit(wrong) }
        }
        for _ in 0..<12 { try entry.pushDigit(7) }
        #expect(throws: TwinlockError.pinRefused(.pinRefused, reason: .tooLong)) { try entry.pushDigit(7) }
        #expect(try entry.count == 12)
    }

    @Test func f75_twoThreadsOnOneEntryAreSafe() throws {
        let entry = try Twinlock.PinEntry()
        let refused = Counter()
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            for round in 0..<2_000 {
                do {
                    switch (thread + round) % 4 {
                    case 0, 1: try entry.pushDigit(UInt8(round % 10))
                    case 2: try entry.backspace()
                    default: _ = try entry.count
                    }
                } catch TwinlockError.pinRefused(_, reason: .tooLong) {
                    refused.add(1)
                } catch {
                    Issue.record(error)
                }
            }
        }
        #expect((0...12).contains(try entry.count))
        #expect(refused.value > 0, "the entry was never full: the threads did not meet")
        try entry.clear()
        #expect(try entry.count == 0)
    }
}
