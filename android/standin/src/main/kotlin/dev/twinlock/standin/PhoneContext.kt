package dev.twinlock.standin

import android.content.Context
import android.content.ContextWrapper
import java.io.File

/** An app's context with one folder, the one that backups leave out. */
public class PhoneContext(private val folder: File) : ContextWrapper(null) {
    override fun getApplicationContext(): Context = this

    override fun getNoBackupFilesDir(): File = folder
}
