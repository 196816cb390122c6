package dev.twinlock

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.io.File
import javax.xml.parsers.DocumentBuilderFactory
import kotlin.reflect.KClass

/** Every error and every step has its words, in each language, and they are those of `docs/errors.md`. */
class TextsTest {
    private val project = File(System.getProperty("twinlock.project"))
    private val english = texts("values")
    private val german = texts("values-de")

    private class Row(val code: Int, val case: String, val whatHappened: String)

    private val table = project.resolve("docs/errors.md").readLines().filter { it.startsWith("| TL-") }.map { line ->
        val cells = line.split("|").map(String::trim)
        Row(cells[1].removePrefix("TL-").toInt(), cells[3], cells[4])
    }

    @Test
    fun `every code of the table has a text that says what happened, and no other code has one`() {
        assertTrue(table.size > 50, "only ${table.size} codes were found")
        val errors = english.filterKeys { it.startsWith("twinlock_error_") }
        assertEquals(table.map { "twinlock_error_${it.code}" }.toSet(), errors.keys)
        for (row in table) {
            val text = errors.getValue("twinlock_error_${row.code}")
            assertTrue(text.startsWith(row.whatHappened), "TL-${row.code}: $text")
        }
    }

    @Test
    fun `the twelve cases are those of the table`() {
        val cases = TwinlockException::class.sealedSubclasses.mapNotNull { it.simpleName }.toSet()
        assertEquals(12, cases.size)
        assertEquals(table.map { it.case }.toSet(), cases)
    }

    @Test
    fun `every step and every reason against a PIN has a text, and none is left over`() {
        val steps = listOf(
            Step.SignIn, Step.SetUpTwoStep, Step.EnterCode, Step.AwaitApproval(null), Step.Wait(0), Step.Ready,
            Step.EnterPin(8), Step.CreatePin(6, 12, false), Step.CreatePin(6, 12, true), Step.ChangePin(6, 12, false),
            Step.ChangePin(6, 12, true),
        ) + BlockedReason.entries.map(Step::Blocked)
        assertEquals(Step::class.sealedSubclasses.toSet<KClass<*>>(), steps.map { it::class }.toSet())
        val wanted = steps.map { it.textKey } + PinFault.entries.map { it.textKey }
        assertEquals(wanted.toSet(), english.keys.filter { !it.startsWith("twinlock_error_") }.toSet())
    }

    @Test
    fun `both languages have the same texts, each its own`() {
        assertEquals(english.keys, german.keys)
        val untranslated = english.keys.filter { english[it] == german[it] || german[it].isNullOrBlank() }
        assertEquals(emptyList<String>(), untranslated)
    }

    @Test
    fun `an exception names its text`() {
        assertEquals("twinlock_error_1003", TwinlockException.WrongPin(1003, triesLeft = 7, retryAfterMs = 0).errorKey)
    }

    private fun texts(folder: String): Map<String, String> {
        val file = project.resolve("android/sdk/src/main/res/$folder/strings.xml")
        val nodes = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(file).getElementsByTagName("string")
        val texts = (0 until nodes.length).map { nodes.item(it) }
            .map { it.attributes.getNamedItem("name").nodeValue to it.textContent.replace("\\'", "'") }
        assertEquals(texts.size, texts.toMap().size, "a name stands twice in $file")
        return texts.toMap()
    }
}
