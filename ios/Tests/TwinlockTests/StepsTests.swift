import Foundation
import Testing

@testable import Twinlock

@Suite(.timeLimit(.minutes(1))) struct StepsTests {
    @Test func everyListenerGetsThePresentStepFirstAndThenEachNew() async {
        let board = StepBoard(.signIn)
        var (one, two) = (
            Twinlock.Steps(board: board).makeAsyncIterator(), Twinlock.Steps(board: board).makeAsyncIterator()
        )
        #expect(await one.next() == .signIn)
        #expect(await two.next() == .signIn)
        board.tell(.enterCode)
        #expect(await one.next() == .enterCode)
        #expect(await two.next() == .enterCode)
        var late = Twinlock.Steps(board: board).makeAsyncIterator()
        #expect(await late.next() == .enterCode)
    }

    @Test func aSlowListenerSeesTheNewest() async {
        let board = StepBoard(.signIn)
        var slow = Twinlock.Steps(board: board).makeAsyncIterator()
        board.tell(.enterCode)
        board.tell(.enterPin(triesLeft: 8))
        #expect(await slow.next() == .enterPin(triesLeft: 8))
    }

    @Test func theSameStepIsToldOnce() async {
        let board = StepBoard(.signIn)
        var listener = Twinlock.Steps(board: board).makeAsyncIterator()
        #expect(await listener.next() == .signIn)
        board.tell(.signIn)
        board.close()
        #expect(await listener.next() == nil)
    }

    @Test func closingEndsEveryListenerAndWhoeverComesLater() async {
        let board = StepBoard(.ready)
        let loops = (0..<10).map { _ in Task { for await _ in Twinlock.Steps(board: board) {} } }
        board.close()
        board.tell(.signIn)
        for loop in loops { await loop.value }
        var late = Twinlock.Steps(board: board).makeAsyncIterator()
        #expect(await late.next() == .ready)
        #expect(await late.next() == nil)
        #expect(board.listenerCount == 0)
    }

    @Test func aCancelledListenerEndsAndIsForgotten() async {
        let board = StepBoard(.signIn)
        let loop = Task { for await _ in Twinlock.Steps(board: board) {} }
        loop.cancel()
        await loop.value
        #expect(board.listenerCount == 0)
    }
}
