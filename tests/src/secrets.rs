//! The list of every secret that a demo used, so that a test can look for them where they must not be.

use crate::{Doing, Result};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// The environment variable that tells a phone process where to write its own secrets.
pub const SECRETS_FILE: &str = "TWINLOCK_DEMO_SECRETS";

/// Appends lines `kind<TAB>secret` to a file, or keeps nothing at all.
#[derive(Clone, Default)]
pub struct Secrets {
    file: Option<(PathBuf, Arc<Mutex<File>>)>,
}

impl Secrets {
    /// Keeps nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// Appends to the file, which may be shared with the phone's process.
    pub fn at(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path).doing(path.display())?;
        Ok(Self { file: Some((path.to_owned(), Arc::new(Mutex::new(file)))) })
    }

    /// The file, if there is one.
    pub fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(|(path, _)| path.as_path())
    }

    /// Notes one secret. Losing a line would make a test blind, so that a fault is told.
    pub fn note(&self, kind: &str, secret: &str) -> Result<()> {
        let Some((path, file)) = &self.file else { return Ok(()) };
        let mut file = file.lock().doing("the list of secrets is broken")?;
        // One write a line: the phone's process appends to the same file.
        file.write_all(format!("{kind}\t{secret}\n").as_bytes()).doing(path.display())
    }
}
