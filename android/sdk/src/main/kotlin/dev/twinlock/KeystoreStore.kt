package dev.twinlock

import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyProperties
import java.io.File
import java.io.FileOutputStream
import java.io.IOException
import java.nio.channels.FileChannel
import java.nio.file.Files
import java.nio.file.StandardCopyOption.ATOMIC_MOVE
import java.nio.file.StandardOpenOption.READ
import java.security.MessageDigest
import java.util.Base64
import javax.crypto.AEADBadTagException
import javax.crypto.Cipher
import javax.crypto.KeyGenerator
import javax.crypto.SecretKey
import javax.crypto.spec.GCMParameterSpec

/**
 * Blobs in files that backups leave out, each sealed by an AES key of Android's key store.
 *
 * A file is format (1 byte) | nonce (12) | AES-256-GCM of the blob with its tag (16). The blob's name is authenticated,
 * so that no file can be put in another's place. A damaged one is [PortException.StoreFailed], a lost key
 * [PortException.KeyLost]; files that are not of this store are left alone.
 */
internal class KeystoreStore(noBackupFolder: File) : Store {
    private val folder = File(noBackupFolder, "twinlock")

    override fun read(name: String): ByteArray? = stored {
        val file = file(name)
        if (file.isFile) open(name, file.readBytes()) else null
    }

    override fun write(name: String, bytes: ByteArray): Unit = stored {
        val sealed = seal(name, bytes)
        if (!folder.isDirectory && !folder.mkdirs()) throw IOException("no folder")
        val file = file(name)
        val fresh = File(folder, file.name + NEW)
        FileOutputStream(fresh).use {
            it.write(sealed)
            it.fd.sync()
        }
        Files.move(fresh.toPath(), file.toPath(), ATOMIC_MOVE)
        syncFolder()
    }

    override fun remove(name: String): Unit = stored {
        val file = file(name)
        File(folder, file.name + NEW).delete()
        if (Files.deleteIfExists(file.toPath())) syncFolder()
    }

    private fun seal(name: String, bytes: ByteArray): ByteArray {
        val key = usableKey() ?: generateKey()
        return KeystoreAccess.sorted {
            val cipher = Cipher.getInstance(TRANSFORMATION).apply { init(Cipher.ENCRYPT_MODE, key) }
            cipher.updateAAD(name.toByteArray())
            byteArrayOf(FORMAT) + cipher.iv + cipher.doFinal(bytes)
        }
    }

    private fun open(name: String, sealed: ByteArray): ByteArray {
        if (sealed.size < HEADER + TAG_BITS / 8 || sealed[0] != FORMAT) throw PortException.StoreFailed()
        val key = KeystoreAccess.key<SecretKey>(ALIAS)
        val nonce = GCMParameterSpec(TAG_BITS, sealed, 1, HEADER - 1)
        return KeystoreAccess.sorted {
            val cipher = Cipher.getInstance(TRANSFORMATION).apply { init(Cipher.DECRYPT_MODE, key, nonce) }
            cipher.updateAAD(name.toByteArray())
            try {
                cipher.doFinal(sealed, HEADER, sealed.size - HEADER)
            } catch (fault: AEADBadTagException) {
                throw PortException.StoreFailed(fault)
            }
        }
    }

    /** What a lost key sealed can never be read again; a member who enrolls again gets a new one. */
    private fun usableKey(): SecretKey? = try {
        KeystoreAccess.find<SecretKey>(ALIAS)
    } catch (_: PortException.KeyLost) {
        null
    }

    private fun generateKey(): SecretKey = KeystoreAccess.sorted {
        val spec = KeyGenParameterSpec.Builder(ALIAS, KeyProperties.PURPOSE_ENCRYPT or KeyProperties.PURPOSE_DECRYPT)
            .setBlockModes(KeyProperties.BLOCK_MODE_GCM)
            .setEncryptionPaddings(KeyProperties.ENCRYPTION_PADDING_NONE)
            .setKeySize(256)
            .build()
        KeyGenerator.getInstance(KeyProperties.KEY_ALGORITHM_AES, KeystoreAccess.PROVIDER)
            .apply { init(spec) }.generateKey()
    }

    /** A rename is durable when its folder is. */
    private fun syncFolder(): Unit = FileChannel.open(folder.toPath(), READ).use { it.force(true) }

    /** A digest, so that every name is one of a file. */
    private fun file(name: String): File {
        val digest = MessageDigest.getInstance("SHA-256").digest(name.toByteArray())
        return File(folder, Base64.getUrlEncoder().withoutPadding().encodeToString(digest) + SEALED)
    }

    /** One at a time in the whole process: two must not make a key of one name. */
    private inline fun <T> stored(access: () -> T): T = synchronized(KeystoreStore) {
        try {
            access()
        } catch (fault: IOException) {
            throw PortException.StoreFailed(fault)
        }
    }

    private companion object {
        const val ALIAS = "twinlock.store"
        const val TRANSFORMATION = "AES/GCM/NoPadding"
        const val FORMAT: Byte = 1
        const val HEADER = 1 + 12
        const val TAG_BITS = 128
        const val SEALED = ".sealed"
        const val NEW = ".new"
    }
}
