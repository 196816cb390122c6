//! Where this desktop keeps what it has: the system's keyring, or the file that was asked for.

use crate::failure::{Class, Failure};
use crate::file_store::FileStore;
use crate::key::StoredDeviceKey;
use crate::keyring_store::KeyringStore;
use std::path::Path;
use std::sync::Arc;
use twinlock_core::ErrorCode;
use twinlock_core::ports::{DeviceKey, KeyPlace, Store};

/// The store, and the key in it.
#[derive(Clone)]
pub struct Storage {
    /// Blobs.
    pub store: Arc<dyn Store>,
    /// The device key.
    pub key: Arc<dyn DeviceKey>,
    /// Which of the two it is.
    pub place: KeyPlace,
}

impl Storage {
    /// The file if one was named, or else the keyring.
    pub fn open(file: Option<&Path>) -> Result<Self, Failure> {
        let (store, place): (Arc<dyn Store>, _) = match file {
            Some(path) => {
                let what =
                    "Give the file a folder of its own: mkdir -m 700 DIR, and --insecure-file-store DIR/twinlock.";
                let opened = FileStore::open(path);
                let refused = |message| Failure::new(ErrorCode::StoreFailed, Class::Storage, message, what);
                (Arc::new(opened.map_err(refused)?), KeyPlace::File)
            }
            None => (Arc::new(KeyringStore::open().ok_or_else(no_keyring)?), KeyPlace::Keyring),
        };
        let key = Arc::new(StoredDeviceKey::new(Arc::clone(&store), place));
        Ok(Self { store, key, place })
    }
}

fn no_keyring() -> Failure {
    Failure::new(
        ErrorCode::StoreFailed,
        Class::Storage,
        "No keyring of this system answers.",
        "Start and unlock one (GNOME Keyring, KWallet, KeePassXC), or accept that the key lies in a file that is not \
         sealed: --insecure-file-store PATH.",
    )
}

/// For people and programs.
pub fn place_name(place: KeyPlace) -> &'static str {
    match place {
        KeyPlace::Keyring => "keyring",
        KeyPlace::File => "file",
    }
}
