package dev.twinlock.standin

import java.security.Provider

/**
 * A JCA provider with the name and the services of Android's, over software keys that no caller gets at.
 *
 * Android's answers to misuse are taken from its sources (`android.security.keystore2`, API 35).
 */
public class AndroidKeyStore : Provider(NAME, "1.0", "stand-in for tests, never shipped") {
    init {
        put("KeyStore.$NAME", KeyStoreStandIn::class.java.name)
        put("KeyPairGenerator.EC", PairGenerator.P256::class.java.name)
        put("KeyPairGenerator.RSA", PairGenerator.Rsa::class.java.name)
        put("KeyGenerator.AES", SecretKeyGenerator.Aes::class.java.name)
        put("KeyGenerator.HmacSHA256", SecretKeyGenerator.Hmac::class.java.name)
        put("KeyFactory.EC", PrivateKeyInspector::class.java.name)
        put("SecretKeyFactory.AES", SecretKeyInspector::class.java.name)
        put("SecretKeyFactory.HmacSHA256", SecretKeyInspector::class.java.name)
        put("Signature.SHA256withECDSA", Sha256WithEcdsa::class.java.name)
        put("Signature.NONEwithECDSA", NoneWithEcdsa::class.java.name)
        put("Mac.HmacSHA256", HmacSha256::class.java.name)
        put("Cipher.AES/GCM/NoPadding", AesGcm::class.java.name)
        put("Cipher.$RSA_OAEP", RsaOaep::class.java.name)
        for (operation in listOf("Signature.SHA256withECDSA", "Signature.NONEwithECDSA", "Cipher.$RSA_OAEP")) {
            put("$operation SupportedKeyClasses", StoredPrivateKey::class.java.name)
        }
        for (operation in listOf("Mac.HmacSHA256", "Cipher.AES/GCM/NoPadding")) {
            put("$operation SupportedKeyClasses", StoredSecretKey::class.java.name)
        }
    }

    public companion object {
        /** Android's own. */
        public const val NAME: String = "AndroidKeyStore"

        internal const val RSA_OAEP = "RSA/ECB/OAEPWithSHA-256AndMGF1Padding"
    }
}
