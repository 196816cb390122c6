import Foundation

#if canImport(Security)
    import Security
#endif

/// Public keys as the portal reads them.
enum SubjectPublicKeyInfo {
    /// SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING } up to the point (RFC 5480 §2, RFC 5915).
    private static let prefix: [UInt8] = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48,
        0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
    ]

    /// DER of a point of P-256 in X9.63 form, `04 | x | y`.
    static func der(point: Data) throws(SecurityFault) -> Data {
        guard point.count == 65, point.first == 0x04 else { throw .other(errSecParam) }
        return Data(prefix) + point
    }
}

/// Signatures of P-256.
enum EcdsaSignature {
    private static let half = 32

    /// r ‖ s, 64 bytes, from the DER `SEQUENCE { INTEGER r, INTEGER s }` that the enclave gives (RFC 3279 §2.2.3).
    static func fixed(der: Data) throws(SecurityFault) -> Data {
        var rest = ArraySlice(der)
        var pair = try content(of: 0x30, in: &rest)
        let signature = try integer(in: &pair) + integer(in: &pair)
        guard rest.isEmpty, pair.isEmpty else { throw .other(errSecParam) }
        return Data(signature)
    }

    private static func integer(in rest: inout ArraySlice<UInt8>) throws(SecurityFault) -> [UInt8] {
        let digits = try content(of: 0x02, in: &rest)
        // A leading zero keeps a large number positive; a set top bit would be a negative one (X.690 §8.3).
        guard let first = digits.first, first < 0x80 else { throw .other(errSecParam) }
        let value = digits.drop { $0 == 0 }
        guard value.count <= half, !value.isEmpty else { throw .other(errSecParam) }
        return [UInt8](repeating: 0, count: half - value.count) + value
    }

    /// The short form of a length is all that 70 bytes need (X.690 §8.1.3.4).
    private static func content(
        of tag: UInt8, in rest: inout ArraySlice<UInt8>
    ) throws(SecurityFault) -> ArraySlice<UInt8> {
        guard rest.popFirst() == tag, let length = rest.popFirst(), length < 0x80, rest.count >= length else {
            throw .other(errSecParam)
        }
        defer { rest = rest.dropFirst(Int(length)) }
        return rest.prefix(Int(length))
    }
}
