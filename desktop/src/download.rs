//! A file on its way in: beside its place until it is whole and is what the portal's list said.

use crate::failure::{Class, Failure};
use data_encoding::HEXLOWER;
use indicatif::ProgressBar;
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use tempfile::TempPath;
use twinlock_core::ports::FileSink;
use twinlock_core::wire::FileEntry;
use twinlock_core::{Error, ErrorCode};

/// `NAME.part`; removed unless it is finished.
pub struct Part {
    path: TempPath,
    target: PathBuf,
    bar: ProgressBar,
    state: Mutex<State>,
}

struct State {
    file: File,
    digest: Sha256,
    length: u64,
}

impl Part {
    /// Begins beside `target`. What an interrupted command left there is replaced.
    pub fn begin(target: &Path, bar: ProgressBar) -> Result<Self, Failure> {
        let mut name = target.as_os_str().to_owned();
        name.push(".part");
        let path = PathBuf::from(name);
        let failed = |fault: std::io::Error| Failure::local(path.display(), &fault);
        match std::fs::remove_file(&path) {
            Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => return Err(failed(fault)),
            _ => {}
        }
        // Never through a link that somebody put there.
        let file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(failed)?;
        let temp = TempPath::try_from_path(path.clone()).map_err(failed)?;
        let state = Mutex::new(State { file, digest: Sha256::new(), length: 0 });
        Ok(Self { path: temp, target: target.to_owned(), bar, state })
    }

    /// Compares what came with the portal's list, and puts it in its place; over a file that is there only with `force`.
    pub fn finish(self, listed: &FileEntry, force: bool) -> Result<(), Failure> {
        self.bar.finish_and_clear();
        let State { file, digest, length } = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        if length != listed.size || HEXLOWER.encode(&digest.finalize()) != listed.sha256 {
            let message = "What came is not what the portal's list says; it was thrown away.";
            let what = "Fetch it again; if it happens again, tell your admin.";
            return Err(Failure::new(ErrorCode::UnexpectedAnswer, Class::Network, message, what));
        }
        file.sync_all().map_err(|fault| Failure::local(self.target.display(), &fault))?;
        drop(file);
        let kept = if force { self.path.persist(&self.target) } else { self.path.persist_noclobber(&self.target) };
        kept.map_err(|fault| match fault.error.kind() {
            std::io::ErrorKind::AlreadyExists => exists(&self.target),
            _ => Failure::local(self.target.display(), &fault.error),
        })
    }
}

impl FileSink for Part {
    fn write(&self, piece: &[u8]) -> twinlock_core::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.file.write_all(piece).map_err(|_| Error::StoreFailed)?;
        state.digest.update(piece);
        state.length += piece.len() as u64;
        self.bar.set_position(state.length);
        Ok(())
    }
}

/// A local file that stays as it is.
pub fn exists(target: &Path) -> Failure {
    let message = format!("{} is there already.", target.display());
    Failure::new(
        ErrorCode::BadRequest,
        Class::File,
        message,
        "Add --force to replace it, or --to DIR for another place.",
    )
}
