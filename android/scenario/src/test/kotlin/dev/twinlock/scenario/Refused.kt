package dev.twinlock.scenario

import dev.twinlock.TwinlockException
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.assertThrows

/** What [call] is refused with. */
internal inline fun <reified E : TwinlockException> refused(
    about: String = "",
    noinline call: suspend () -> Any?,
): E = assertThrows<E>(about) { runBlocking { call() } }
