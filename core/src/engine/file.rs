//! The organisation's files.

use super::Engine;
use super::connection::Call;
use crate::error::Result;
use crate::ports::AnswerKind;
use crate::wire::{FileEntry, FileList};

impl Engine {
    /// The organisation's files.
    pub async fn files(&self) -> Result<Vec<FileEntry>> {
        let list: FileList = self.call(&self.session()?, "GET", "/v1/files", None::<&()>).await?;
        Ok(list.files)
    }

    /// A file's content.
    pub async fn download(&self, id: &str) -> Result<Vec<u8>> {
        let target = format!("/v1/files/{id}");
        let call = Call { answer: AnswerKind::File, ..Call::new("GET", &target) };
        let body = self.send(&self.session()?, &call).await?;
        Ok(body.expose().to_vec())
    }
}
