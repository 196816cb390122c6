//! The organisation's files.

use super::Engine;
use super::connection::Call;
use crate::error::Result;
use crate::ports::{AnswerKind, FileSink};
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

    /// A file's content, piece by piece into `sink`, never more than the list says of it. The sink compares the digest.
    ///
    /// # Errors
    /// [`Error::AnswerTooLarge`](crate::Error::AnswerTooLarge) beyond the listed size, what the sink says, and all that a
    /// call may meet.
    pub async fn download_into(&self, file: &FileEntry, sink: &dyn FileSink) -> Result<()> {
        let target = format!("/v1/files/{}", file.id);
        let call = Call { answer: AnswerKind::Stream(file.size), sink: Some(sink), ..Call::new("GET", &target) };
        self.send(&self.session()?, &call).await?;
        Ok(())
    }
}
