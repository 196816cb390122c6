package dev.twinlock

import dev.twinlock.standin.Phone
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.util.concurrent.Callable
import java.util.concurrent.Executors

/** The production adapter, unmodified, over real files and a key store that enforces a key's specification. */
class KeystoreStoreTest {
    @TempDir
    lateinit var folder: File

    private val store by lazy { KeystoreStore(folder) }
    private val blob = "what nobody should read in a file".toByteArray()

    @BeforeEach
    fun newPhone() = Phone.reset()

    @Test
    fun `what was written is read, also after a restart, until it is removed`() {
        assertNull(store.read("vault"))
        store.write("vault", blob)
        store.write("empty", ByteArray(0))
        val long = "n".repeat(1000)
        for (name in listOf("", "../up", long)) store.write(name, name.toByteArray())
        val restarted = KeystoreStore(folder)
        assertArrayEquals(blob, restarted.read("vault"))
        assertArrayEquals(ByteArray(0), restarted.read("empty"))
        for (name in listOf("", "../up", long)) assertArrayEquals(name.toByteArray(), restarted.read(name))
        store.write("vault", byteArrayOf(1))
        assertArrayEquals(byteArrayOf(1), store.read("vault"))
        store.remove("vault")
        store.remove("vault")
        assertNull(store.read("vault"))
        assertArrayEquals(ByteArray(0), store.read("empty"))
    }

    @Test
    fun `no file holds the blob or its name`() {
        store.write("vault of mara", blob)
        val file = files().single()
        assertFalse(String(file.readBytes(), Charsets.ISO_8859_1).contains("nobody"))
        assertFalse(file.path.removePrefix(folder.path).contains("mara"))
        val alias = Phone.aliases.single()
        assertEquals(256, Phone.specification(alias).keySize)
        assertEquals(setOf("GCM"), Phone.specification(alias).blockModes)
        assertTrue(Phone.specification(alias).isRandomizedEncryptionRequired)
    }

    @Test
    fun `the same blob twice makes two different files`() {
        store.write("a", blob)
        val first = files().single().readBytes()
        store.write("a", blob)
        assertFalse(first.contentEquals(files().single().readBytes()))
    }

    @Test
    fun `every flipped bit and every length is noticed`() {
        store.write("vault", blob)
        val file = files().single()
        val sealed = file.readBytes()
        for (bit in 0 until sealed.size * 8) {
            file.writeBytes(sealed.copyOf().also { it[bit / 8] = (it[bit / 8].toInt() xor (1 shl bit % 8)).toByte() })
            assertThrows<PortException.StoreFailed>("bit $bit") { store.read("vault") }
        }
        for (length in 0 until sealed.size) {
            file.writeBytes(sealed.copyOf(length))
            assertThrows<PortException.StoreFailed>("length $length") { store.read("vault") }
        }
        file.writeBytes(sealed + 0)
        assertThrows<PortException.StoreFailed> { store.read("vault") }
        file.writeBytes(sealed)
        assertArrayEquals(blob, store.read("vault"))
    }

    @Test
    fun `a file in another's place is refused`() {
        store.write("pin.1", blob)
        val first = files().single()
        store.write("pin.2", byteArrayOf(2))
        val second = files().single { it != first }
        first.copyTo(second, overwrite = true)
        assertThrows<PortException.StoreFailed> { store.read("pin.2") }
        assertArrayEquals(blob, store.read("pin.1"))
    }

    @Test
    fun `a write that breaks off leaves the old blob, and its rest is replaced`() {
        store.write("vault", blob)
        val file = files().single()
        val rest = File(file.path + ".new").apply { writeBytes(ByteArray(3)) }
        assertArrayEquals(blob, store.read("vault"))
        store.write("vault", byteArrayOf(1))
        assertArrayEquals(byteArrayOf(1), store.read("vault"))
        assertFalse(rest.exists())
        rest.writeBytes(ByteArray(3))
        store.remove("vault")
        assertTrue(files().isEmpty())
    }

    @Test
    fun `a folder that cannot be written is told, and the old blob stays`() {
        store.write("vault", blob)
        val file = files().single()
        // Root may write everywhere; a folder where the new file would be stops it too.
        File(file.path + ".new").mkdir()
        assertThrows<PortException.StoreFailed> { store.write("vault", byteArrayOf(1)) }
        assertArrayEquals(blob, store.read("vault"))
    }

    @Test
    fun `files that are not of this store are left alone`() {
        store.write("vault", blob)
        val foreign = File(files().single().parentFile, "notes.txt").apply { writeText("mine") }
        val beside = File(folder, "other").apply { writeText("mine too") }
        store.write("vault", byteArrayOf(1))
        store.remove("vault")
        assertEquals("mine", foreign.readText())
        assertEquals("mine too", beside.readText())
    }

    @Test
    fun `f55_a_lost_key_is_told_as_lost_and_a_new_write_starts_again`() {
        store.write("vault", blob)
        Phone.wipeKeys()
        assertThrows<PortException.KeyLost> { store.read("vault") }
        Phone.reset()
        store.write("account", byteArrayOf(1))
        assertArrayEquals(byteArrayOf(1), store.read("account"))
        Phone.invalidateKeys()
        assertThrows<PortException.KeyLost> { store.read("account") }
        store.write("account", byteArrayOf(2))
        assertArrayEquals(byteArrayOf(2), store.read("account"))
    }

    @Test
    fun `f55_a_key_store_that_does_not_answer_loses_nothing`() {
        store.write("vault", blob)
        Phone.isKeyStoreDown = true
        assertThrows<PortException.KeyUnavailable> { store.read("vault") }
        assertThrows<PortException.KeyUnavailable> { store.write("vault", byteArrayOf(1)) }
        Phone.isKeyStoreDown = false
        assertArrayEquals(blob, store.read("vault"))
    }

    @Test
    fun `stores that start at once share one key`() {
        repeat(20) {
            Phone.reset()
            val pool = Executors.newFixedThreadPool(4)
            val names = (0 until 4).map { "blob $it" }
            pool.invokeAll(names.map { Callable { KeystoreStore(folder).write(it, blob) } }).forEach { it.get() }
            pool.shutdown()
            names.forEach { assertArrayEquals(blob, store.read(it)) }
        }
    }

    private fun files(): List<File> = folder.walk().filter { it.isFile }.toList()
}
