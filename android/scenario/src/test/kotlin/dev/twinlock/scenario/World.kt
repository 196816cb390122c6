package dev.twinlock.scenario

import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonObject
import java.io.File

/** A real portal with its admin and an authenticator, in a process of its own (`tests/src/line_world.rs`). */
class World private constructor(private val process: Process) : AutoCloseable {
    private val lines = process.inputReader()
    private val introduction = read()

    val portalUrl: String = introduction.text("base_url")

    val rootsPem: ByteArray = introduction.text("roots_pem").toByteArray()

    /** Members who have neither an authenticator nor a device. */
    val members: List<Member> = introduction.getValue("phones").jsonArray.map { it.jsonObject }
        .map { Member(it.text("member"), it.text("email"), it.text("password")) }

    /** The admin types what the member's phone shows. */
    fun approve(member: Member, comparisonCode: String) {
        ask(buildJsonObject {
            put("admin", "approve")
            putJsonObject("with") {
                put("member", member.name)
                put("comparison_code", comparisonCode)
            }
        })
    }

    /** The admin revokes the member's device. */
    fun revoke(member: Member) {
        ask(buildJsonObject {
            put("admin", "revoke")
            putJsonObject("with") { put("member", member.name) }
        })
    }

    /** What an authenticator app shows that scanned [uri]. */
    fun code(uri: String): String = ask(buildJsonObject {
        put("authenticator", "scan")
        putJsonObject("with") { put("uri", uri) }
    }).text("code")

    /** What the portal says to a back end that received this request. */
    fun introspect(method: String, url: String, headers: Map<String, String>): JsonObject = ask(buildJsonObject {
        put("back_end", "introspect")
        putJsonObject("with") {
            put("method", method)
            put("url", url)
            putJsonObject("headers") { headers.forEach { (name, value) -> put(name, value) } }
        }
    })

    override fun close() {
        process.outputStream.close()
        process.waitFor()
    }

    private fun ask(line: JsonObject): JsonObject {
        process.outputStream.write("$line\n".toByteArray())
        process.outputStream.flush()
        return read().also { check("fault" !in it) { "the world refuses: ${it.text("fault")}" } }
    }

    private fun read(): JsonObject =
        Json.parseToJsonElement(checkNotNull(lines.readLine()) { "the world ended" }).jsonObject

    private fun JsonObject.text(name: String): String = getValue(name).jsonPrimitive.content

    companion object {
        /** Starts one; its portal is gone when it is closed. */
        fun start(): World {
            val program = File(System.getProperty("twinlock.target"), "debug/twinlock-demo")
            check(program.isFile) { "there is no $program; `cargo xtask test kotlin` builds it" }
            return World(ProcessBuilder(program.path, "world").redirectError(ProcessBuilder.Redirect.INHERIT).start())
        }
    }
}

/** A member of the world's organisation. */
class Member(val name: String, val email: String, val password: String)
