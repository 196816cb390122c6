package dev.twinlock.scenario

import dev.twinlock.BlockedReason
import dev.twinlock.Step
import dev.twinlock.Twinlock
import dev.twinlock.TwinlockConfig
import dev.twinlock.TwinlockException
import dev.twinlock.scenario.EnrolledPhone.Companion.PIN
import dev.twinlock.scenario.EnrolledPhone.Companion.WRONG_PIN
import dev.twinlock.standin.Phone
import dev.twinlock.standin.PhoneContext
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import kotlinx.serialization.json.jsonPrimitive
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.MethodOrderer
import org.junit.jupiter.api.Order
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestInstance
import org.junit.jupiter.api.TestMethodOrder
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.security.MessageDigest
import java.util.Base64
import java.util.concurrent.Callable
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.Executors
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicReference
import kotlin.coroutines.cancellation.CancellationException

/** One day of two phones at a real portal; the order is the day's. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation::class)
class PortalTest {
    private val world = World.start()
    private val phone = EnrolledPhone.enroll(world, world.members[0])

    @AfterAll
    fun end() {
        phone.twinlock.close()
        world.close()
    }

    /** Each port call asks the main thread to do something and waits for it: were it blocked, that would never come. */
    @Test
    @Order(1)
    fun `the main thread is never blocked, neither by Argon2 nor by a port nor by the network`() {
        val main = Executors.newSingleThreadExecutor()
        val mainThread = main.submit(Callable { Thread.currentThread() }).get()
        val onMain = ConcurrentLinkedQueue<String>()
        phone.ports.calls.clear()
        phone.ports.onCall = { name ->
            if (Thread.currentThread() === mainThread) onMain += name else main.submit {}.get(10, TimeUnit.SECONDS)
        }
        val ready = runBlocking {
            withContext(main.asCoroutineDispatcher()) {
                phone.submit(PIN)
                phone.submit(PIN)
                phone.twinlock.files()
                phone.restart()
                phone.submit(PIN)
            }
        }
        phone.ports.onCall = {}
        main.shutdown()
        assertEquals(Step.Ready, ready)
        assertEquals(2, phone.ports.calls.count { it == "bindGuess" }, "Argon2 ran before each")
        // Closing is no suspending call: it asks the clock where it is.
        assertEquals(setOf("bootMs"), onMain.toSet())
    }

    @Test
    @Order(2)
    fun `the vault keeps what was put, over a restart, and loses what was removed`() = runBlocking<Unit> {
        val vault = { phone.twinlock.vault }
        vault().put("kept", byteArrayOf(1, 2, 3))
        vault().put("empty", ByteArray(0))
        vault().put("removed", byteArrayOf(4))
        assertTrue(vault().remove("removed"))
        assertFalse(vault().remove("never there"))
        phone.twinlock.lock()
        assertEquals(5009, refused<TwinlockException.StepRequired> { vault().get("kept") }.code)
        phone.restart()
        phone.submit(PIN)
        assertArrayEquals(byteArrayOf(1, 2, 3), vault().get("kept"))
        assertArrayEquals(ByteArray(0), vault().get("empty"))
        assertNull(vault().get("removed"))
    }

    @Test
    @Order(3)
    fun `files of the organisation arrive whole, also fifty at once`() = runBlocking<Unit> {
        val files = phone.twinlock.files()
        assertEquals(3, files.size)
        val contents = List(50) { number ->
            async(Dispatchers.Default) { files[number % 3].let { it to phone.twinlock.download(it.id) } }
        }.awaitAll()
        for ((file, content) in contents) {
            assertEquals(file.size, content.size.toLong())
            val digest = MessageDigest.getInstance("SHA-256").digest(content)
            assertEquals(file.sha256, digest.joinToString("") { "%02x".format(it) })
        }
    }

    @Test
    @Order(3)
    fun `an authorised request is active at the portal, once, and with the body that was signed`() = runBlocking<Unit> {
        val url = "https://orders.northwind.example/orders?from=phone"
        val body = "two gates".toByteArray()
        val headers = phone.twinlock.authorise("POST", url, body)
        val said = world.introspect("POST", url, headers)
        assertEquals("true", said.getValue("active").jsonPrimitive.content, "$said")
        val digest = Base64.getEncoder().encodeToString(MessageDigest.getInstance("SHA-256").digest(body))
        assertEquals("sha-256=:$digest:", said.getValue("content_digest").jsonPrimitive.content)
        assertEquals("aal2", said.getValue("assurance").jsonPrimitive.content)
        assertEquals("false", world.introspect("POST", url, headers).getValue("active").jsonPrimitive.content)
        val changed = phone.twinlock.authorise("GET", url)
        assertEquals("false", world.introspect("DELETE", url, changed).getValue("active").jsonPrimitive.content)
        val ofThePortal = "${world.portalUrl}/v1/files"
        val misuse = refused<TwinlockException.Misuse> { phone.twinlock.authorise("GET", ofThePortal) }
        assertEquals(4007, misuse.code)
    }

    /**
     * A call is cancelled from within a port call, for each place in which a PIN try asks one. What the portal has
     * counted is seen at the next wrong try; the right one after it forgets the failures.
     */
    @Test
    @Order(4)
    fun `cancelling a PIN try at any point gives no free guess`() = runBlocking<Unit> {
        val places = listOf("read pin.1", "write account", "sign", "pinKeyKind", "bindGuess")
        for (place in places) {
            phone.twinlock.lock()
            phone.ports.calls.clear()
            assertTrue(cancelledAt(place) { phone.submit(WRONG_PIN) }, "nothing was cancelled at $place")
            val guesses = phone.ports.calls.count { it == "bindGuess" }
            val tries = 7 - refused<TwinlockException.WrongPin> { phone.submit(WRONG_PIN) }.triesLeft
            assertTrue(tries >= guesses, "cancelled at $place: $guesses guesses were made and $tries counted")
            if (place == "bindGuess") assertEquals(1, tries)
            assertEquals(Step.Ready, phone.submit(PIN), "after a try cancelled at $place")
        }
    }

    @Test
    @Order(5)
    fun `a cancelled call is over, and the next one is served`() = runBlocking<Unit> {
        val calls = mapOf<String, suspend () -> Any?>(
            "files" to { phone.twinlock.files() },
            "refresh" to { phone.twinlock.refresh() },
            "signOut" to { phone.twinlock.signOut() },
            "put" to { phone.twinlock.vault.put("late", byteArrayOf(1)) },
        )
        for ((name, call) in calls) {
            val place = if (name == "put") "write vault" else "bootMs"
            assertTrue(cancelledAt(place) { call() }, "$name was not cancelled")
            if (phone.twinlock.step.value != Step.Ready) phone.submit(PIN)
            assertEquals(Step.Ready, phone.twinlock.refresh(), "after a cancelled $name")
        }
    }

    @Test
    @Order(6)
    fun `f75_a_port_that_calls_back_is_answered`() = runBlocking<Unit> {
        phone.twinlock.lock()
        val answers = ConcurrentLinkedQueue<Any>()
        phone.ports.onCall = { name ->
            if (name == "bindGuess") {
                val inner = runBlocking {
                    listOf<suspend () -> Any?>(
                        { phone.twinlock.refresh() },
                        { phone.submit(PIN) },
                        { phone.twinlock.vault.get("kept") },
                        { phone.twinlock.pinEntry().use { it.length } },
                    ).map { call -> runCatching { call() }.getOrElse { (it as TwinlockException).code } }
                }
                answers.add(inner)
            }
        }
        val step = phone.submit(PIN)
        phone.ports.onCall = {}
        assertEquals(Step.Ready, step)
        // One call at a time; the vault is not open yet; an entry needs nobody.
        assertEquals(listOf(9002, 9002, 5009, 0), answers.single())
    }

    @Test
    @Order(7)
    fun `a listener hears each step, and a refusal's as well`() = runBlocking<Unit> {
        val heard = ConcurrentLinkedQueue<Step>()
        val listening = launch(Dispatchers.Unconfined) { phone.twinlock.step.collect(heard::add) }
        phone.twinlock.lock()
        refused<TwinlockException.WrongPin> { phone.submit(WRONG_PIN) }
        phone.submit(PIN)
        listening.cancel()
        assertEquals(listOf(Step.Ready, Step.EnterPin(8), Step.EnterPin(7), Step.Ready), heard.toList())
    }

    @Test
    @Order(8)
    fun `closing under an unlock ends it typed and opens nothing`() = runBlocking<Unit> {
        phone.twinlock.lock()
        phone.ports.onCall = { if (it == "bindGuess") phone.twinlock.close() }
        assertEquals(9003, refused<TwinlockException.Misuse> { phone.submit(PIN) }.code)
        phone.ports.onCall = {}
        assertNotEquals(Step.Ready, phone.restart())
        assertEquals(Step.Ready, phone.submit(PIN))
    }

    /** The whole way with the Android adapters, and what `f55` asks of a phone whose keys are gone. */
    @Test
    @Order(9)
    fun `f55_a_phone_whose_keys_are_gone_is_told_so_and_opens_nothing`(@TempDir folder: File) = runBlocking<Unit> {
        Phone.reset()
        val member = world.members[1]
        val config = TwinlockConfig(world.portalUrl, world.rootsPem, account = member.email, appVersion = "1.0.0")
        val context = PhoneContext(folder)
        val twinlock = Twinlock.open(context, config)
        twinlock.signIn(member.email, member.password.toByteArray())
        val waiting = twinlock.submitCode(world.code(twinlock.setUpTwoStep().uri)) as Step.AwaitApproval
        world.approve(member, checkNotNull(waiting.comparisonCode))
        assertTrue(twinlock.refresh() is Step.CreatePin)
        suspend fun Twinlock.submit() = pinEntry().use { entry ->
            PIN.forEach { entry.pushDigit(it.digitToInt()) }
            submitPin(entry)
        }
        twinlock.submit()
        assertEquals(Step.Ready, twinlock.submit())
        twinlock.lock()

        Phone.isKeyStoreDown = true
        assertEquals(5008, refused<TwinlockException.Retry> { twinlock.submit() }.code)
        Phone.isKeyStoreDown = false
        assertEquals(Step.Ready, twinlock.submit())

        twinlock.lock()
        val deviceKeys = Phone.aliases.filter { "store" !in it }
        Phone.isInvalidatedAtUse = true
        refused<TwinlockException.EnrollAgain> { twinlock.submit() }
        Phone.isInvalidatedAtUse = false
        twinlock.close()
        Phone.wipeKeys(deviceKeys)
        Twinlock.open(context, config).use { assertEquals(Step.Blocked(BlockedReason.KeyLost), it.step.value) }
        Phone.wipeKeys()
        Twinlock.open(context, config).use { assertEquals(Step.SignIn, it.step.value) }
    }

    @Test
    @Order(10)
    fun `a revoked phone is told so at its next call, and its secrets are gone`() = runBlocking<Unit> {
        world.revoke(world.members[0])
        assertEquals(5007, refused<TwinlockException.EnrollAgain> { phone.twinlock.files() }.code)
        assertEquals(Step.Blocked(BlockedReason.Revoked), phone.twinlock.step.value)
        assertEquals(5009, refused<TwinlockException> { phone.twinlock.vault.get("kept") }.code)
        assertEquals(Step.Blocked(BlockedReason.Revoked), phone.restart())
    }

    /** True if the call was cancelled; it is from within its first port call of that name. */
    private suspend fun cancelledAt(place: String, call: suspend () -> Any?): Boolean {
        val job = AtomicReference<Job>()
        val begun = CompletableDeferred<Unit>()
        val fault = CompletableDeferred<Throwable?>()
        phone.ports.onCall = { name -> if (name == place) job.getAndSet(null)?.cancel() }
        val calling = CoroutineScope(Dispatchers.Default).launch {
            begun.await()
            fault.complete(runCatching { call() }.exceptionOrNull())
        }
        job.set(calling)
        begun.complete(Unit)
        calling.join()
        phone.ports.onCall = {}
        return fault.await() is CancellationException
    }
}
