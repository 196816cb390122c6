import Foundation

extension Twinlock {
    /// The present step, then every later one. Each `for await` loop is a listener of its own.
    public struct Steps: AsyncSequence, Sendable {
        /// What a listener gets.
        public typealias Element = Step

        let board: StepBoard

        /// Begins to listen.
        public func makeAsyncIterator() -> Iterator {
            Iterator(board: board)
        }

        /// One listener.
        public struct Iterator: AsyncIteratorProtocol {
            private let listener: StepBoard.Listener
            private var stream: AsyncStream<Step>.Iterator

            init(board: StepBoard) {
                listener = board.listen()
                stream = listener.stream.makeAsyncIterator()
            }

            /// The next step; `nil` once closed, or when the listener's task is cancelled.
            public mutating func next() async -> Step? {
                await stream.next()
            }
        }
    }
}

/// Holds the present step and tells whoever listens. Holds no listener that stopped listening.
final class StepBoard: @unchecked Sendable {
    /// Ends its stream when nobody holds it any more.
    final class Listener: Sendable {
        let stream: AsyncStream<Twinlock.Step>
        fileprivate let number: UInt64
        private let board: StepBoard

        fileprivate init(number: UInt64, stream: AsyncStream<Twinlock.Step>, board: StepBoard) {
            (self.number, self.stream, self.board) = (number, stream, board)
        }

        deinit {
            board.forget(number)
        }
    }

    // `Mutex` of the standard library needs iOS 18.
    private let lock = NSLock()
    private var present: Twinlock.Step
    private var closed = false
    private var last: UInt64 = 0
    private var listeners: [UInt64: AsyncStream<Twinlock.Step>.Continuation] = [:]

    init(_ step: Twinlock.Step) {
        present = step
    }

    var step: Twinlock.Step { lock.withLock { present } }

    var isClosed: Bool { lock.withLock { closed } }

    var listenerCount: Int { lock.withLock { listeners.count } }

    func tell(_ step: Twinlock.Step) {
        lock.withLock {
            guard !closed, step != present else { return }
            present = step
            listeners.values.forEach { $0.yield(step) }
        }
    }

    func listen() -> Listener {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Twinlock.Step.self, bufferingPolicy: .bufferingNewest(1))
        return lock.withLock {
            last += 1
            continuation.yield(present)
            if closed {
                continuation.finish()
            } else {
                listeners[last] = continuation
            }
            return Listener(number: last, stream: stream, board: self)
        }
    }

    func close() {
        let ended = lock.withLock {
            closed = true
            defer { listeners = [:] }
            return listeners.values
        }
        // Outside the lock: ending a stream runs code of the listener's.
        ended.forEach { $0.finish() }
    }

    private func forget(_ number: UInt64) {
        let ended = lock.withLock { listeners.removeValue(forKey: number) }
        ended?.finish()
    }
}
