//! What goes into a statement and what comes out of it.

use super::StoreError;
use std::borrow::Cow;
use std::fmt;

/// One parameter or cell. Borrows where it can, so that binding copies nothing.
#[derive(Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// SQL NULL.
    Null,
    /// `BIGINT`; also flags (0 and 1) and times in epoch milliseconds.
    Int(i64),
    /// `TEXT`.
    Text(Cow<'a, str>),
    /// `BLOB`.
    Blob(Cow<'a, [u8]>),
}

/// Shows the kind and the length only: cells hold password hashes, sealed seeds and names.
impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("Null"),
            Value::Int(_) => f.write_str("Int"),
            Value::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Value::Blob(bytes) => write!(f, "Blob({} bytes)", bytes.len()),
        }
    }
}

macro_rules! from {
    ($($source:ty => |$value:ident| $made:expr),+ $(,)?) => {
        $(impl<'a> From<$source> for Value<'a> {
            fn from($value: $source) -> Self { $made }
        })+
    };
}

from! {
    i64 => |n| Value::Int(n),
    u32 => |n| Value::Int(n.into()),
    // Times and versions; nothing real is beyond 2⁶³.
    u64 => |n| Value::Int(i64::try_from(n).unwrap_or(i64::MAX)),
    bool => |flag| Value::Int(flag.into()),
    &'a str => |text| Value::Text(Cow::Borrowed(text)),
    &'a String => |text| Value::Text(Cow::Borrowed(text)),
    String => |text| Value::Text(Cow::Owned(text)),
    &'a [u8] => |bytes| Value::Blob(Cow::Borrowed(bytes)),
    &'a Vec<u8> => |bytes| Value::Blob(Cow::Borrowed(bytes)),
    Vec<u8> => |bytes| Value::Blob(Cow::Owned(bytes)),
}

impl<'a, const N: usize> From<&'a [u8; N]> for Value<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Value::Blob(Cow::Borrowed(bytes))
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

/// One row of an answer. Columns count from 0; a wrong type is an error, never a guess.
#[derive(Debug, Clone)]
pub struct Row {
    pub(super) statement: &'static str,
    pub(super) cells: Vec<Value<'static>>,
}

impl Row {
    /// A `BIGINT` that is not NULL.
    pub fn int(&self, column: usize) -> Result<i64, StoreError> {
        self.opt_int(column)?.ok_or_else(|| self.wrong(column, "BIGINT"))
    }

    /// A time, version, size or count: a `BIGINT` that is not NULL; what is negative counts as 0.
    pub fn unsigned(&self, column: usize) -> Result<u64, StoreError> {
        Ok(u64::try_from(self.int(column)?).unwrap_or(0))
    }

    /// A `TEXT` that is not NULL.
    pub fn text(&self, column: usize) -> Result<&str, StoreError> {
        self.opt_text(column)?.ok_or_else(|| self.wrong(column, "TEXT"))
    }

    /// A `BLOB` that is not NULL.
    pub fn blob(&self, column: usize) -> Result<&[u8], StoreError> {
        self.opt_blob(column)?.ok_or_else(|| self.wrong(column, "BLOB"))
    }

    /// A `BIGINT` or NULL.
    pub fn opt_int(&self, column: usize) -> Result<Option<i64>, StoreError> {
        match self.cells.get(column) {
            Some(Value::Null) => Ok(None),
            Some(Value::Int(n)) => Ok(Some(*n)),
            _ => Err(self.wrong(column, "BIGINT")),
        }
    }

    /// A `TEXT` or NULL.
    pub fn opt_text(&self, column: usize) -> Result<Option<&str>, StoreError> {
        match self.cells.get(column) {
            Some(Value::Null) => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            _ => Err(self.wrong(column, "TEXT")),
        }
    }

    /// A `BLOB` or NULL.
    pub fn opt_blob(&self, column: usize) -> Result<Option<&[u8]>, StoreError> {
        match self.cells.get(column) {
            Some(Value::Null) => Ok(None),
            Some(Value::Blob(bytes)) => Ok(Some(bytes)),
            _ => Err(self.wrong(column, "BLOB")),
        }
    }

    fn wrong(&self, column: usize, wanted: &'static str) -> StoreError {
        StoreError::Column { statement: self.statement, column, wanted }
    }
}
