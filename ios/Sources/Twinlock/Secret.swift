import Foundation

#if canImport(Glibc)
    import Glibc
#endif

extension Data {
    /// Overwrites the bytes where they lie and empties the value. Bytes that another variable shares are not reached.
    mutating func wipe() {
        withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            #if canImport(Darwin)
                memset_s(start, bytes.count, 0, bytes.count)
            #else
                explicit_bzero(start, bytes.count)
            #endif
        }
        self = Data()
    }
}
