package dev.twinlock

import android.content.Context
import android.os.Build
import dev.twinlock.ffi.Engine
import dev.twinlock.ffi.EngineConfig
import dev.twinlock.ffi.EngineException
import dev.twinlock.ffi.Password
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.withContext

/**
 * A device's side of Twinlock, for one account. Every call returns the next [Step], and the app draws that step.
 *
 * Calls may come from any thread: their work is done off it. One call at a time; a second one meanwhile is
 * [TwinlockException.Misuse] (TL-9002), except that [files], [download] and reads of [vault] may overlap. Every call
 * may throw any [TwinlockException]. Cancelling a call stops the waiting for it, not what the portal has done: a PIN
 * try was counted before it was made.
 */
public class Twinlock private constructor(private val calls: EngineCalls) : AutoCloseable {
    /** What comes next; the present step first, then each one that differs. After [close] it says nothing any more. */
    public val step: StateFlow<Step> get() = calls.step

    /** Small secrets of the app's own; open at [Step.Ready]. */
    public val vault: Vault = Vault(calls)

    /**
     * Signs in.
     *
     * @param name the account's sign-in name.
     * @param password UTF-8; wiped by this call, whatever comes of it.
     */
    @Throws(TwinlockException::class)
    public suspend fun signIn(name: String, password: ByteArray): Step = try {
        calls.next { engine -> password.lent(::Password).use { engine.signIn(name, it) } }
    } finally {
        password.fill(0)
    }

    /** Begins the set-up of two-step authentication, at [Step.SetUpTwoStep]. A second call voids the first's key. */
    @Throws(TwinlockException::class)
    public suspend fun setUpTwoStep(): TwoStepSetUp = calls.call { it.setUpTwoStep().toSetUp() }

    /**
     * Submits a code of the authenticator app, which completes a set-up under way; enrolls the device if it is new.
     *
     * @param code as it was typed; spaces and dashes are fine.
     */
    @Throws(TwinlockException::class)
    public suspend fun submitCode(code: String): Step = calls.next { it.submitCode(code) }

    /** Asks the portal what comes next. */
    @Throws(TwinlockException::class)
    public suspend fun refresh(): Step = calls.next { it.refresh() }

    /** An empty PIN entry. Close it when its screen goes. */
    @Throws(TwinlockException::class)
    public fun pinEntry(): PinEntry = calls.whileOpen { PinEntry(dev.twinlock.ffi.PinEntry()) }

    /**
     * Submits what was typed: a new PIN, twice, at [Step.CreatePin] and [Step.ChangePin]; the PIN at [Step.EnterPin].
     *
     * @param entry emptied by this call, whatever comes of it; stays usable for the next try.
     */
    @Throws(TwinlockException::class)
    public suspend fun submitPin(entry: PinEntry): Step = try {
        calls.next { it.submitPin(entry.lend()) }
    } finally {
        runCatching { entry.clear() }
    }

    /** The organisation's files, at [Step.Ready]. */
    @Throws(TwinlockException::class)
    public suspend fun files(): List<FileEntry> = calls.call { engine -> engine.files().map { it.toEntry() } }

    /** A file's content, by [FileEntry.id], at [Step.Ready]. */
    @Throws(TwinlockException::class)
    public suspend fun download(id: String): ByteArray = calls.call { it.download(id) }

    /** Drops session, keys and vault from memory; the PIN opens them again. */
    @Throws(TwinlockException::class)
    public suspend fun lock(): Step = calls.next { it.lock() }

    /** Ends the session at the portal, and locks. */
    @Throws(TwinlockException::class)
    public suspend fun signOut(): Step = calls.next { it.signOut() }

    /**
     * Locks for good, wipes what is secret and lets go of the ports. Harmless to repeat; every later call is
     * [TwinlockException.Misuse] (TL-9003), and a call under way ends so.
     */
    override fun close(): Unit = calls.close()

    public companion object {
        /**
         * Opens an account on this phone: reads what it remembers and says what comes next. No network. What it
         * remembers may be damaged or its key gone; then that is [Step.SignIn], and the member enrolls again.
         *
         * Keys lie in Android's key store, in StrongBox where there is one; files in `noBackupFilesDir`.
         */
        @Throws(TwinlockException::class)
        public suspend fun open(context: Context, config: TwinlockConfig): Twinlock {
            val folder = withContext(Dispatchers.IO) { context.applicationContext.noBackupFilesDir }
            val ports = Ports(KeystoreDeviceKey(), KeystoreStore(folder), DeviceClock())
            val model = config.model ?: "${Build.MANUFACTURER} ${Build.MODEL}"
            val system = config.system ?: "Android ${Build.VERSION.RELEASE}"
            return open(config, model, system, ports)
        }

        /** Opens an account on a device with ports of its own. No network. */
        @Throws(TwinlockException::class)
        public suspend fun open(config: TwinlockConfig, ports: Ports): Twinlock {
            val model = config.model ?: System.getProperty("os.arch").orEmpty()
            val system = config.system ?: "${System.getProperty("os.name")} ${System.getProperty("os.version")}"
            return open(config, model, system, ports)
        }

        /** The first call loads the native library, which takes a tenth of a second or more. */
        private suspend fun open(config: TwinlockConfig, model: String, system: String, ports: Ports): Twinlock =
            withContext(Dispatchers.Default) {
                glued {
                    val engine = Engine(
                        EngineConfig(
                            portalUrl = config.portalUrl,
                            rootsPem = config.rootsPem,
                            account = config.account,
                            deviceName = config.deviceName ?: model,
                            model = model,
                            system = system,
                            appVersion = config.appVersion,
                        ),
                        GlueDeviceKey(ports.deviceKey),
                        GlueStore(ports.store),
                        GlueClock(ports.clock),
                    )
                    Twinlock(EngineCalls(engine, first(engine)))
                }
            }

        private fun first(engine: Engine): Step = try {
            engine.open().toStep()
        } catch (_: EngineException.EnrollAgain) {
            // What this case asks for: the engine knows no account now, and a sign-in replaces what was stored.
            engine.step().toStep()
        } catch (fault: Exception) {
            engine.destroy()
            throw fault
        }
    }
}
