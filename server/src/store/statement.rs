//! SQL as named constants, so that each text can be read, reviewed and prepared on both engines.

/// A named SQL text. Only [`statements!`](crate::statements) makes one, from what is known when the program is compiled (a
/// literal, or literals put together by `concat!`): there is no dynamic SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sql {
    name: &'static str,
    text: &'static str,
}

impl Sql {
    /// For the macro alone; a test searches the sources for other callers.
    #[doc(hidden)]
    pub const fn from_statements_macro(name: &'static str, text: &'static str) -> Self {
        // Transactions, pragmas and schema changes belong to the store; this fails at compile time.
        assert!(is_data_statement(text), "a statement begins with SELECT, INSERT, UPDATE, DELETE or WITH");
        Sql { name, text }
    }

    /// The constant's name; errors carry it instead of the text.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// The text, with `$1`, `$2` … for the parameters.
    pub fn text(self) -> &'static str {
        self.text
    }
}

#[allow(clippy::indexing_slicing, reason = "evaluated while compiling; iterators are not const")]
const fn is_data_statement(text: &str) -> bool {
    const VERBS: [&[u8]; 5] = [b"select", b"insert", b"update", b"delete", b"with"];
    let Some((head, _)) = text.as_bytes().split_at_checked(6) else { return false };
    let mut verb = 0;
    while verb < VERBS.len() {
        let word = VERBS[verb];
        let mut at = 0;
        while at < word.len() && head[at].to_ascii_lowercase() == word[at] {
            at += 1;
        }
        if at == word.len() {
            return true;
        }
        verb += 1;
    }
    false
}

/// Defines SQL constants and `STATEMENTS`, the list of them that belongs into [`catalogue`](crate::store::catalogue).
///
/// ```ignore
/// statements! {
///     /// One member by id.
///     FIND_MEMBER = "select name from member where organisation = $1 and id = $2";
/// }
/// ```
#[macro_export]
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $text:expr;)+) => {
        $($(#[$doc])*
        pub(crate) const $name: $crate::store::Sql =
            $crate::store::Sql::from_statements_macro(stringify!($name), $text);)+
        /// Every statement of this file. Not in the catalogue, it is dead code, and the compiler says so.
        pub(crate) const STATEMENTS: &[$crate::store::Sql] = &[$($name),+];
    };
}
