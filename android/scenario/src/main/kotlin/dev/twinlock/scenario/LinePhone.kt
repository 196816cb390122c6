package dev.twinlock.scenario

import dev.twinlock.Twinlock
import dev.twinlock.TwinlockConfig
import dev.twinlock.TwinlockException
import dev.twinlock.standin.Phone
import dev.twinlock.standin.PhoneContext
import kotlinx.coroutines.runBlocking
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import java.io.File
import java.util.Base64
import kotlin.io.path.createTempDirectory

/**
 * The demo's phone in Kotlin: answers the driver's lines (`tests/src/phone.rs`) through the public API, with the
 * adapters of Android phones over the stand-in's key store.
 */
fun main() {
    Phone.reset()
    val folder = createTempDirectory("twinlock-phone-").toFile()
    try {
        val phone = LinePhone(folder)
        for (line in generateSequence(::readLine)) {
            val ask = Json.parseToJsonElement(line).jsonObject
            println(runBlocking { phone.answer(ask) })
        }
    } finally {
        folder.deleteRecursively()
    }
}

/** The phone: its app, open or closed, and its folder, which outlives the app. */
class LinePhone(private val folder: File) {
    private var app: Twinlock? = null
    private var config: TwinlockConfig? = null

    suspend fun answer(ask: JsonObject): JsonObject {
        val verb = ask.text("do")
        val with = ask["with"]?.jsonObject ?: JsonObject(emptyMap())
        val fields = mutableMapOf<String, JsonElement>()
        try {
            act(verb, with)?.let { fields["value"] = it }
        } catch (refusal: TwinlockException) {
            fields["error"] = refusal.toJson()
        }
        app?.let { fields["step"] = it.step.value.toJson() }
        return JsonObject(fields)
    }

    private suspend fun act(verb: String, with: JsonObject): JsonElement? {
        when (verb) {
            "open" -> open(with)
            "close" -> close()
            "sign_in" -> app().signIn(with.text("name"), with.text("password").toByteArray())
            "set_up_two_step" -> return JsonPrimitive(app().setUpTwoStep().uri)
            "submit_code" -> app().submitCode(with.text("code"))
            "refresh" -> app().refresh()
            "submit_pin" -> app().pinEntry().use { entry ->
                with.text("pin").forEach { entry.pushDigit(it.digitToInt()) }
                app().submitPin(entry)
            }
            "vault_put" -> app().vault.put(with.text("name"), with.text("secret").toByteArray())
            "vault_item" -> return app().vault.get(with.text("name"))?.let { JsonPrimitive(String(it)) } ?: JsonNull
            "files" -> return JsonArray(app().files().map { JsonPrimitive(it.name) })
            "download" -> return download(with.text("name"))
            else -> error("this phone does not know how to `$verb`")
        }
        return null
    }

    private suspend fun open(with: JsonObject) {
        if (with.isNotEmpty()) {
            config = TwinlockConfig(
                portalUrl = with.text("base_url"),
                rootsPem = with.text("roots_pem").toByteArray(),
                account = with.text("account"),
                appVersion = with.text("app_version"),
                deviceName = with.text("device_name"),
                model = with.text("model"),
                system = with.text("system"),
            )
        }
        app = Twinlock.open(PhoneContext(folder), checkNotNull(config) { "the first `open` names the portal" })
    }

    private fun close() {
        app().close()
        app = null
    }

    private suspend fun download(name: String): JsonElement {
        val file = checkNotNull(app().files().find { it.name == name }) { "there is no such file" }
        return JsonPrimitive(Base64.getEncoder().encodeToString(app().download(file.id)))
    }

    private fun app(): Twinlock = checkNotNull(app) { "the app is not open" }

    private fun JsonObject.text(name: String): String = getValue(name).jsonPrimitive.content
}
