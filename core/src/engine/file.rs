//! The organisation's files.

use super::Engine;
use crate::error::Result;
use crate::secret::SecretBytes;
use crate::wire::{FileEntry, FileList};

impl Engine {
    /// The organisation's files.
    pub async fn files(&self) -> Result<Vec<FileEntry>> {
        let list: FileList = self.call(&self.session()?, "GET", "/v1/files", None::<&()>).await?;
        Ok(list.files)
    }

    /// A file's content.
    pub async fn download(&self, id: &str) -> Result<Vec<u8>> {
        let body = self.send(&self.session()?, "GET", &format!("/v1/files/{id}"), SecretBytes::new(Vec::new())).await?;
        Ok(body.expose().to_vec())
    }
}
