package dev.twinlock.sample

import android.content.Context
import dev.twinlock.Step
import dev.twinlock.Twinlock
import dev.twinlock.TwinlockConfig
import dev.twinlock.TwinlockException

interface Screens {
    fun draw(step: Step)

    fun show(error: TwinlockException)
}

// [quick start]
suspend fun start(context: Context, screens: Screens, rootsPem: ByteArray) {
    val config = TwinlockConfig("https://portal.example", rootsPem, account = "main", appVersion = "1.0.0")
    val twinlock = Twinlock.open(context, config)
    twinlock.step.collect { step -> screens.draw(step) } // one screen per step
}

suspend fun unlock(twinlock: Twinlock, screens: Screens, keypad: suspend ((Int) -> Unit) -> Unit) =
    twinlock.pinEntry().use { pin ->
        keypad { digit -> pin.pushDigit(digit) } // digits go straight into Rust, never into a String
        try {
            twinlock.submitPin(pin) // the next step arrives in `twinlock.step`
        } catch (error: TwinlockException) {
            screens.show(error) // its text: error.errorKey in strings.xml
        }
    }
// [quick start end]
