package dev.twinlock

import android.app.KeyguardManager
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
 * [TwinlockException.Misuse] (TL-9002), except that [files], [download], [authorise] and reads of [vault] may overlap. Every call
 * may throw any [TwinlockException]. Cancelling a call stops the waiting for it, not what the portal has done: a PIN
 * try was counted before it was made.
 *
 * **A forgotten PIN**: [signIn] at any step, then a code, an admin's approval if the policy asks for it, and a new PIN.
 * What the vault held stays sealed for ever.
 *
 * **At the limit** of wrong PINs the portal erases its share of the key and the call is [TwinlockException.EnrollAgain]
 * (TL-1005) at [Step.SignIn]; this device's secrets are gone, and the way back is that of a forgotten PIN.
 *
 * **A device that an admin revoked** learns so with its next call to the portal, which is
 * [TwinlockException.EnrollAgain] (TL-5007) at [Step.Blocked] with [BlockedReason.Revoked]; its secrets are wiped by
 * then.
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

    /**
     * Submits a recovery code instead of a code, right after [signIn], at [Step.EnterCode] or where the authenticator was
     * disabled. It opens one thing: [Step.SetUpTwoStep], for a new authenticator.
     *
     * @param code as it was typed or pasted, `K7-XXXX-XXXX-XXXX-XXXX`; case, spaces and dashes do not matter.
     * @throws TwinlockException.EntryRefused TL-2001 if it cannot be one, which is not counted; TL-2010 if it is refused.
     */
    @Throws(TwinlockException::class)
    public suspend fun submitRecoveryCode(code: String): Step = calls.next { it.submitRecoveryCode(code) }

    /**
     * The ten recovery codes that came with the set-up just completed, once; `null` after that. Show them, and let the member
     * save them, before anything else.
     */
    @Throws(TwinlockException::class)
    public suspend fun takeRecoveryCodes(): List<String>? = calls.call { it.takeRecoveryCodes() }

    /**
     * Makes ten new recovery codes, to be shown once; all older ones are void.
     *
     * @throws TwinlockException.StepRequired TL-3003 unless a code was accepted within ten minutes: [submitCode] first.
     */
    @Throws(TwinlockException::class)
    public suspend fun newRecoveryCodes(): List<String> = calls.call { it.newRecoveryCodes() }

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

    /**
     * Begins a change of the PIN: [Step.ChangePin] if the PIN was entered less than five minutes ago, or else
     * [Step.EnterPin] first, and [Step.ChangePin] after it. The new PIN goes to [submitPin], twice; the old one works
     * until the portal has taken the new one. [refresh] leaves the change again. [TwinlockException.StepRequired]
     * (TL-1006) if there is no PIN yet.
     */
    @Throws(TwinlockException::class)
    public suspend fun changePin(): Step = calls.next { it.changePin() }

    /**
     * Tells that time has passed. Call it in `onStop` and `onStart`, and now and then while the app is in use: after
     * the policy's idle time nothing is open any more, and this answers [Step.EnterPin]. A policy of no idle time locks
     * at every call. Measured on [Clock.bootMs], which no user can set. No network.
     */
    @Throws(TwinlockException::class)
    public suspend fun tick(): Step = calls.next { it.tick() }

    /**
     * Switches the biometric on, with the next PIN that opens or is set, or off, at once. Ask the member before: it is
     * a convenience, and the PIN stays. [hasBiometric] tells after that PIN whether it could be switched on; it cannot
     * on a phone without a screen lock, without a biometric of class 3, or before API 28.
     */
    @Throws(TwinlockException::class)
    public suspend fun useBiometric(on: Boolean): Unit = calls.call { it.useBiometric(on) }

    /** Whether a biometric could open this device now: whether to offer [unlockWithBiometric] at [Step.EnterPin]. */
    @Throws(TwinlockException::class)
    public suspend fun hasBiometric(): Boolean = calls.call { it.hasBiometric() }

    /**
     * Unlocks with the biometric at [Step.EnterPin], which the [BiometricPrompter] asks the member for. A try like one
     * with the PIN: counted by the portal before it is made. Not counted, and the PIN works as before, if it is
     * [TwinlockException.StepRequired] with TL-1008 (nothing to open any more: a finger or face was added, or the PIN
     * was changed; offer [useBiometric] after the next PIN), TL-1009 (the member put the dialog away) or TL-1010 (the
     * policy wants the PIN itself from time to time; the biometric works again after it), or if it is
     * [TwinlockException.Retry] with TL-5008 (the system refuses for now, such as after too many wrong fingers).
     */
    @Throws(TwinlockException::class)
    public suspend fun unlockWithBiometric(): Step = calls.next { it.unlockWithBiometric() }

    /** The organisation's files, at [Step.Ready]. */
    @Throws(TwinlockException::class)
    public suspend fun files(): List<FileEntry> = calls.call { engine -> engine.files().map { it.toEntry() } }

    /** A file's content, by [FileEntry.id], at [Step.Ready]. */
    @Throws(TwinlockException::class)
    public suspend fun download(id: String): ByteArray = calls.call { it.download(id) }

    /**
     * The headers that authorise one request to the app's own back end, at [Step.Ready]: `content-digest`,
     * `x-policy-version`, `signature-input` and `signature` (RFC 9421, RFC 9530). Send them with exactly this [method]
     * (upper case), [url] (absolute, `https`) and [body], once and within a minute; the back end has them checked by the
     * portal's introspection. Where it answers 401, call [refresh] and draw the step. One request to the portal at most.
     *
     * [TwinlockException.StepRequired] (TL-3001, TL-3005) unless [Step.Ready]: draw the step.
     * [TwinlockException.Misuse] (TL-4007) for what cannot be signed, also for the portal's own address: correct the app.
     */
    @Throws(TwinlockException::class)
    public suspend fun authorise(method: String, url: String, body: ByteArray = ByteArray(0)): Map<String, String> =
        calls.call { it.authorise(method, url, body) }

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
         *
         * @param biometric asks for a biometric, such as a [SystemBiometricPrompter]; without one there is none.
         */
        @Throws(TwinlockException::class)
        public suspend fun open(
            context: Context,
            config: TwinlockConfig,
            biometric: BiometricPrompter? = null,
        ): Twinlock {
            val phone = context.applicationContext
            val folder = withContext(Dispatchers.IO) { phone.noBackupFilesDir }
            val biometricKey = KeystoreBiometricKey(
                biometric,
                hasScreenLock = { phone.getSystemService(KeyguardManager::class.java)?.isDeviceSecure == true },
            )
            val ports = Ports(KeystoreDeviceKey(biometricKey), KeystoreStore(folder), DeviceClock())
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
