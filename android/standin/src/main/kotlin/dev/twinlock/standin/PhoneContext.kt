package dev.twinlock.standin

import android.app.KeyguardManager
import android.content.Context
import android.content.ContextWrapper
import java.io.File
import java.util.concurrent.Executor

/** An app's context with one folder, the one that backups leave out, and one service. */
public class PhoneContext(private val folder: File) : ContextWrapper(null) {
    override fun getApplicationContext(): Context = this

    override fun getNoBackupFilesDir(): File = folder

    override fun getMainExecutor(): Executor = Phone.mainExecutor

    override fun getSystemServiceName(type: Class<*>): String? =
        KEYGUARD_SERVICE.takeIf { type == KeyguardManager::class.java }

    override fun getSystemService(name: String): Any? = KeyguardManager().takeIf { name == KEYGUARD_SERVICE }
}
