package dev.twinlock

import dev.twinlock.ffi.Engine
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.withContext

/** The one way to the engine: off the caller's thread, with faults translated, and the step told afterwards. */
internal class EngineCalls(private val engine: Engine, first: Step) {
    private val told = MutableStateFlow(first)

    val step: StateFlow<Step> = told.asStateFlow()

    /** Runs a call. Its step is told also where it failed or was cancelled: a refusal can be what changed it. */
    suspend fun <T> call(block: suspend (Engine) -> T): T = withContext(Dispatchers.Default) {
        try {
            glued { block(engine) }
        } finally {
            tellStep()
        }
    }

    suspend fun next(block: suspend (Engine) -> dev.twinlock.ffi.Step): Step = call { block(it).toStep() }

    /** Does what needs no engine, as long as there is one. */
    fun <T> whileOpen(block: () -> T): T = glued {
        engine.step()
        block()
    }

    /** Lets go of the ports and of all that Rust holds, but for an empty shell. A call under way ends with "closed". */
    fun close(): Unit = glued { engine.shutDown() }

    /** Without a lock, since listeners may run inside: whoever told an older answer sees so and tells the newer one. */
    private fun tellStep() {
        do {
            // A closed engine has no step; what was told last stays.
            val now = runCatching { engine.step().toStep() }.getOrNull() ?: return
            told.value = now
        } while (runCatching { engine.step().toStep() }.getOrDefault(now) != now)
    }
}
