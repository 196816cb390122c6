package dev.twinlock

import java.math.BigInteger
import java.security.SignatureException

/** An ECDSA-Sig-Value (DER, RFC 3279 §2.2.3) of P-256 as 64 bytes, r ‖ s: Android's key store answers only in DER. */
internal fun rawSignature(der: ByteArray): ByteArray {
    val raw = ByteArray(64)
    var at = 2
    for (end in listOf(32, 64)) {
        val length = if (at + 1 < der.size && der[at].toInt() == 0x02) der[at + 1].toInt() else 0
        at += 2 + length
        if (length !in 1..33 || at > der.size) throw SignatureException("not two integers")
        val number = BigInteger(der.copyOfRange(at - length, at))
        if (number.signum() != 1 || number.bitLength() > 256) throw SignatureException("an integer is out of range")
        val digits = number.toByteArray().let { it.copyOfRange(maxOf(0, it.size - 32), it.size) }
        digits.copyInto(raw, end - digits.size)
    }
    if (der[0].toInt() != 0x30 || der[1].toInt() != at - 2 || at != der.size) throw SignatureException("no sequence")
    return raw
}
