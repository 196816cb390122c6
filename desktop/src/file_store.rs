//! A file as a store, for machines without a keyring: of mode 0600 in a folder of mode 0700, and never by itself.

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use twinlock_core::ports::{PortError, Store};
use zeroize::{Zeroize, Zeroizing};

/// All blobs in one file, written whole.
pub struct FileStore {
    path: PathBuf,
}

/// Base64 by name.
#[derive(Default, Serialize, Deserialize)]
struct Content(BTreeMap<String, String>);

impl Drop for Content {
    fn drop(&mut self) {
        self.0.values_mut().for_each(Zeroize::zeroize);
    }
}

impl FileStore {
    /// The store at `path`; makes its folder, not the file. The error says what is wrong with either.
    pub fn open(path: &Path) -> Result<Self, String> {
        let path = std::path::absolute(path).map_err(|fault| format!("{}: {fault}.", path.display()))?;
        let folder = path.parent().ok_or_else(|| format!("{} is no file.", path.display()))?;
        make_folder(folder).map_err(|fault| format!("{}: {fault}.", folder.display()))?;
        check(folder, true)?;
        check(&path, false)?;
        Ok(Self { path })
    }

    fn content(&self) -> Result<Content, PortError> {
        // Looked at again: it may have been exchanged since.
        check(&self.path, false).map_err(|_| PortError::StoreFailed)?;
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(fault) if fault.kind() == ErrorKind::NotFound => return Ok(Content::default()),
            Err(_) => return Err(PortError::StoreFailed),
        };
        let mut text = Zeroizing::new(Vec::new());
        file.read_to_end(&mut text).map_err(|_| PortError::StoreFailed)?;
        serde_json::from_slice(&text).map_err(|_| PortError::StoreFailed)
    }

    /// Another command may be changing it: one after the other.
    fn change(&self, change: impl FnOnce(&mut Content) -> bool) -> Result<(), PortError> {
        let failed = |_| PortError::StoreFailed;
        let mut options = OpenOptions::new();
        options.create(true).write(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut beside = self.path.clone().into_os_string();
        beside.push(".lock");
        let turn = options.open(beside).map_err(failed)?;
        turn.lock().map_err(failed)?;
        let mut content = self.content()?;
        if !change(&mut content) {
            return Ok(());
        }
        let folder = self.path.parent().ok_or(PortError::StoreFailed)?;
        // Of mode 0600 from the beginning; removed if anything fails.
        let mut new = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        let text = Zeroizing::new(serde_json::to_vec(&content).map_err(|_| PortError::Host)?);
        new.write_all(&text).and_then(|()| new.as_file().sync_all()).map_err(failed)?;
        new.persist(&self.path).map_err(|_| PortError::StoreFailed)?;
        #[cfg(unix)]
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        Ok(())
    }
}

impl Store for FileStore {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, PortError> {
        let content = self.content()?;
        let Some(text) = content.0.get(name) else { return Ok(None) };
        BASE64.decode(text.as_bytes()).map(Some).map_err(|_| PortError::StoreFailed)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), PortError> {
        self.change(|content| {
            if let Some(mut old) = content.0.insert(name.to_owned(), BASE64.encode(bytes)) {
                old.zeroize();
            }
            true
        })
    }

    fn remove(&self, name: &str) -> Result<(), PortError> {
        self.change(|content| {
            let old = content.0.remove(name);
            let was_there = old.is_some();
            drop(old.map(Zeroizing::new));
            was_there
        })
    }
}

fn make_folder(folder: &Path) -> std::io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// What is there has to be what it says, and nobody else's to read. What is not there is fine.
fn check(path: &Path, is_folder: bool) -> Result<(), String> {
    let found = match std::fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(fault) if fault.kind() == ErrorKind::NotFound => return Ok(()),
        Err(fault) => return Err(format!("{}: {fault}.", path.display())),
    };
    let kind = if is_folder { "folder" } else { "file" };
    if found.is_symlink() || found.is_dir() != is_folder || (!is_folder && !found.is_file()) {
        return Err(format!("{} is no plain {kind}.", path.display()));
    }
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o077 != 0 {
        let mode = if is_folder { "700" } else { "600" };
        return Err(format!("Others can reach the {kind} {}; it has to be of mode {mode}.", path.display()));
    }
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn chmod(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn it_is_nobody_elses_from_the_first_byte() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("twinlock");
        let store = FileStore::open(&path).unwrap();
        assert_eq!(store.read("a"), Ok(None));
        store.write("a", b"secret").unwrap();
        store.write("b", b"2").unwrap();
        assert_eq!(store.read("a"), Ok(Some(b"secret".to_vec())));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        store.remove("a").unwrap();
        assert_eq!((store.read("a"), store.read("b")), (Ok(None), Ok(Some(b"2".to_vec()))));
        let left: Vec<_> = std::fs::read_dir(path.parent().unwrap()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "the file and its lock: {left:?}");
    }

    #[test]
    fn what_others_can_read_and_what_is_a_link_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        chmod(folder.path(), 0o700);
        let path = folder.path().join("twinlock");
        FileStore::open(&path).unwrap().write("a", b"1").unwrap();
        let open = |path: &Path| FileStore::open(path).err();
        for mode in [0o640, 0o604, 0o620, 0o601] {
            chmod(&path, mode);
            assert!(open(&path).is_some(), "{mode:o}");
        }
        chmod(&path, 0o600);
        let link = folder.path().join("link");
        symlink(&path, &link).unwrap();
        assert!(open(&link).is_some());
        assert!(open(&path).is_none());
        chmod(folder.path(), 0o755);
        assert!(open(&path).is_some(), "a folder that others can read");
        chmod(folder.path(), 0o700);
        // Also what becomes so later.
        let store = FileStore::open(&path).unwrap();
        chmod(&path, 0o644);
        assert_eq!(store.read("a"), Err(PortError::StoreFailed));
    }
}
