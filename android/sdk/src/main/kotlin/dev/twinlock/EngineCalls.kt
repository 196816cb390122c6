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
            tellStep { engine.step() }
        }
    }

    suspend fun next(block: suspend (Engine) -> dev.twinlock.ffi.Step): Step = call { block(it).toStep() }

    /** Locks, lets go of the ports, and frees what Rust holds. A call under way ends with "closed". */
    fun close() {
        tellStep { engine.lock() }
        runCatching { engine.shutDown() }
        engine.destroy()
    }

    /** Read and told under one lock, so that of two calls at once the older answer never stays. */
    private fun tellStep(ask: () -> dev.twinlock.ffi.Step): Unit = synchronized(told) {
        // A closed engine has no step; what was told last stays.
        runCatching(ask).onSuccess { told.value = it.toStep() }
    }
}
