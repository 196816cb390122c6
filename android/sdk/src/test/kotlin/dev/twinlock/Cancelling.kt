package dev.twinlock

import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.cancel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.launch
import kotlin.coroutines.cancellation.CancellationException

/** Calls from a coroutine that was cancelled already. */
internal suspend fun cancelled(call: suspend () -> Unit): Unit = coroutineScope {
    var fault: Throwable? = null
    val job = launch(start = CoroutineStart.UNDISPATCHED) {
        currentCoroutineContext().cancel()
        fault = runCatching { call() }.exceptionOrNull()
    }
    job.join()
    check(fault is CancellationException) { "the call was not cancelled: $fault" }
}
