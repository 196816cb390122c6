package dev.twinlock

import com.tngtech.archunit.core.domain.JavaClasses
import com.tngtech.archunit.core.domain.JavaModifier
import com.tngtech.archunit.core.importer.ClassFileImporter
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import kotlin.reflect.KCallable
import kotlin.reflect.KClass
import kotlin.reflect.KType
import kotlin.reflect.KVisibility
import kotlin.reflect.full.declaredMembers

/** What an app sees, and how a secret may enter. */
class PublicApiTest {
    private val classes: JavaClasses =
        ClassFileImporter().importUrl(Twinlock::class.java.protectionDomain.codeSource.location)

    private val ours = classes.filter { it.packageName == "dev.twinlock" && !it.isAnonymousClass && !it.isLocalClass }

    private val visible: List<KClass<*>> = ours.filter { '$' !in it.simpleName && !it.simpleName.endsWith("Kt") }
        .map { Class.forName(it.name).kotlin }.filter { isVisible(it) }

    @Test
    fun `no public signature names the glue`() {
        assertTrue(visible.size > 40, "only ${visible.size} public classes were found")
        val found = visible.flatMap { type ->
            val supertypes = type.supertypes.map { "$type is a $it" to it }
            supertypes + publicMembers(type).flatMap { member -> typesIn(member).map { "$type.${member.name}" to it } }
        }.filter { (_, type) -> mentionsGlue(type) }
        assertEquals(emptyList<Any>(), found.map { it.first })
    }

    @Test
    fun `this test sees a glue type where there is one`() {
        val internals = PinEntry::class.declaredMembers.filter { it.visibility == KVisibility.INTERNAL }
        assertTrue(internals.flatMap(::typesIn).any(::mentionsGlue))
    }

    @Test
    fun `a PIN enters as digits and a password as bytes, and neither is kept`() {
        val pinTypes = PinEntry::class.declaredMembers.filter { it.visibility == KVisibility.PUBLIC }
            .flatMap(::typesIn).mapNotNull { it.classifier }.toSet()
        assertEquals(setOf<Any>(PinEntry::class, Int::class, Unit::class), pinTypes)
        val signIn = Twinlock::class.declaredMembers.single { it.name == "signIn" }
        assertEquals(ByteArray::class, signIn.parameters.single { it.name == "password" }.type.classifier)
        val submitPin = Twinlock::class.declaredMembers.single { it.name == "submitPin" }
        assertEquals(PinEntry::class, submitPin.parameters.single { it.name == "entry" }.type.classifier)

        val named = ours.flatMap { it.fields }
            .filter { field -> listOf("pin", "password", "digit", "typed").any { it in field.name.lowercase() } }
        val keeping = named.filter { it.rawType.name in TEXTS && !it.modifiers.contains(JavaModifier.STATIC) }
        assertEquals(emptyList<Any>(), keeping.map { it.fullName })
    }

    /** Then no PIN and no password can become one either. */
    @Test
    fun `nothing of ours makes a string out of bytes or characters`() {
        val makers = ours.flatMap { it.codeUnits }.flatMap { unit -> unit.callsFromSelf }.filter { call ->
            val (owner, name) = call.targetOwner.name to call.name
            val parameters = call.target.rawParameterTypes.map { it.name }
            when {
                owner == "java.lang.String" -> name == "<init>" || (name.endsWith("alueOf") && "[C" in parameters)
                owner.startsWith("kotlin.text.") -> name in setOf("decodeToString", "concatToString", "String")
                owner == "java.nio.charset.Charset" -> name == "decode"
                owner == "java.lang.StringBuilder" -> name == "append" && ("[C" in parameters || "char" in parameters)
                else -> false
            }
        }
        assertEquals(emptyList<Any>(), makers.map { it.description })
        assertTrue(ours.flatMap { it.codeUnits }.sumOf { it.callsFromSelf.size } > 500, "too little was looked at")
    }

    @Test
    fun `what can be printed holds no secret`() {
        assertEquals("AwaitApproval", Step.AwaitApproval("1234 5678").toString())
        assertEquals("TwoStepSetUp(expiresMs=5)", TwoStepSetUp("otpauth://secret", "SECRET", 5).toString())
    }

    private fun isVisible(type: KClass<*>): Boolean =
        type.visibility == KVisibility.PUBLIC && type.java.enclosingClass?.kotlin?.let(::isVisible) ?: true

    private fun publicMembers(type: KClass<*>): List<KCallable<*>> =
        (type.declaredMembers + type.constructors)
            .filter { it.visibility == KVisibility.PUBLIC || it.visibility == KVisibility.PROTECTED }

    private fun typesIn(member: KCallable<*>): List<KType> = member.parameters.map { it.type } + member.returnType

    private fun mentionsGlue(type: KType): Boolean =
        (type.classifier as? KClass<*>)?.java?.name.orEmpty().startsWith("dev.twinlock.ffi") ||
            type.arguments.any { argument -> argument.type?.let(::mentionsGlue) ?: false }

    private companion object {
        val TEXTS = setOf("java.lang.String", "java.lang.CharSequence", "java.lang.StringBuilder", "[C")
    }
}
