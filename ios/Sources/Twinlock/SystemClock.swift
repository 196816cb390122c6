import Foundation

#if canImport(Glibc)
    import Glibc
#endif

extension Twinlock.Ports {
    /// The system's clocks.
    public struct SystemClock: Clock {
        #if canImport(Darwin)
            // On Apple's systems this one runs in sleep, and setting the time does not move it.
            private static let sinceBoot = CLOCK_MONOTONIC_RAW
        #else
            private static let sinceBoot = CLOCK_BOOTTIME
        #endif

        /// Nothing to set up.
        public init() {}

        /// Milliseconds since 1970-01-01 UTC.
        public func wallMs() throws(Fault) -> UInt64 {
            Date().epochMs
        }

        /// Milliseconds since boot.
        public func bootMs() throws(Fault) -> UInt64 {
            var time = timespec()
            guard clock_gettime(Self.sinceBoot, &time) == 0 else { throw .host }
            return UInt64(clamping: time.tv_sec) * 1000 + UInt64(clamping: time.tv_nsec / 1_000_000)
        }
    }
}
