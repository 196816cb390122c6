//! `twinlock files`: the list, and the way of a file onto this desktop.

use crate::cli::{Get, Sources};
use crate::client::Client;
use crate::download::{Part, exists};
use crate::failure::{Class, Failure};
use crate::local_name::local_name;
use crate::output::{Output, visible};
use crate::storage::Storage;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use twinlock_core::wire::FileEntry;
use twinlock_core::{Error, ErrorCode};

/// Lists the files.
pub async fn list(sources: &Sources, file: Option<&Path>, output: &Output) -> Result<Class, Failure> {
    let client = Client::of_kept(Storage::open(file)?)?;
    client.become_ready(sources).await?;
    let files = client.engine.files().await?;
    let width = files.iter().map(|file| file.size.to_string().len()).max().unwrap_or(0);
    let line = |file: &FileEntry| format!("{}  {:>width$}  {}", visible(&file.id), file.size, visible(&file.name));
    let lines: Vec<String> = files.iter().map(line).collect();
    if lines.is_empty() {
        output.note("There are no files.");
    }
    output.result(&json!({ "files": files }), &lines);
    Ok(Class::Done)
}

/// Fetches files, one after the other. What was fetched stays, whatever happens to the next one.
pub async fn get(asked: &Get, file: Option<&Path>, output: &Output) -> Result<Class, Failure> {
    let client = Client::of_kept(Storage::open(file)?)?;
    client.become_ready(&asked.credentials).await?;
    let wanted = choose(client.engine.files().await?, asked)?;
    std::fs::create_dir_all(&asked.to).map_err(|fault| Failure::local(asked.to.display(), &fault))?;
    let mut fetching = Fetching { client: &client, asked, output, taken: BTreeSet::new(), may_sign_in: true };
    let (mut fetched, mut missed, mut failure) = (Vec::new(), Vec::new(), None::<Failure>);
    for file in &wanted {
        // Nothing more is asked of a portal that refused or did not answer.
        if failure.as_ref().is_some_and(|failure| failure.class != Class::File) {
            missed.push(file);
            continue;
        }
        match fetching.fetch(file).await {
            Ok(path) => fetched.push((file, path)),
            Err(refused) => {
                missed.push(file);
                failure.get_or_insert(refused);
            }
        }
    }
    tell(&fetched, &missed, output);
    failure.map_or(Ok(Class::Done), Err)
}

fn tell(fetched: &[(&FileEntry, PathBuf)], missed: &[&FileEntry], output: &Output) {
    let done = |(file, path): &(&FileEntry, PathBuf)| -> Value {
        json!({ "id": file.id, "name": file.name, "path": path, "size": file.size })
    };
    let left = |file: &&FileEntry| -> Value { json!({ "id": file.id, "name": file.name }) };
    let value = json!({
        "fetched": fetched.iter().map(done).collect::<Vec<_>>(),
        "not_fetched": missed.iter().map(left).collect::<Vec<_>>(),
    });
    let mut lines: Vec<String> =
        fetched.iter().map(|(_, path)| format!("{} {}", output.good("fetched"), path.display())).collect();
    lines.extend(missed.iter().map(|file| format!("{} {}", output.waiting("not fetched"), visible(&file.name))));
    output.result(&value, &lines);
}

/// Each by its id or by its name; a name that several files have says nothing.
fn choose(files: Vec<FileEntry>, asked: &Get) -> Result<Vec<FileEntry>, Failure> {
    if asked.all {
        return Ok(files);
    }
    let mut chosen: Vec<FileEntry> = Vec::new();
    for name in &asked.files {
        let by_id: Vec<&FileEntry> = files.iter().filter(|file| file.id == *name).collect();
        let found = if by_id.is_empty() { files.iter().filter(|file| file.name == *name).collect() } else { by_id };
        match found.as_slice() {
            [file] if chosen.iter().any(|chosen| chosen.id == file.id) => {}
            [file] => chosen.push((*file).clone()),
            [] => {
                let message = format!("There is no file {name}.");
                return Err(Failure::new(ErrorCode::NotFound, Class::File, message, "Look at: twinlock files list."));
            }
            _ => {
                let message = format!("Several files are called {name}.");
                return Err(Failure::usage(message, "Name it by its id: twinlock files list."));
            }
        }
    }
    Ok(chosen)
}

struct Fetching<'a> {
    client: &'a Client,
    asked: &'a Get,
    output: &'a Output,
    /// Local names of this run, folded: a portal's list may hold two that become one.
    taken: BTreeSet<String>,
    /// The session may end once in a command; asking for the password again and again would help nobody.
    may_sign_in: bool,
}

impl Fetching<'_> {
    async fn fetch(&mut self, file: &FileEntry) -> Result<PathBuf, Failure> {
        let local = local_name(&file.name);
        let target = self.asked.to.join(&local);
        // With `--force`, too: what was fetched a moment ago is not replaced.
        let is_new = self.taken.insert(local.to_lowercase());
        if !is_new || (!self.asked.force && target.symlink_metadata().is_ok()) {
            return Err(exists(&target));
        }
        match self.download(file, &target).await {
            Err(ended) if ended.code == ErrorCode::SessionEnded && self.may_sign_in => {
                self.may_sign_in = false;
                self.client.sign_in(&self.asked.credentials).await?;
                self.download(file, &target).await?;
            }
            other => other?,
        }
        Ok(target)
    }

    async fn download(&self, file: &FileEntry, target: &Path) -> Result<(), Failure> {
        let part = Part::begin(target, self.bar(file))?;
        match self.client.engine.download_into(file, &part).await {
            Ok(()) => part.finish(file, self.asked.force),
            // The step says what is in the way: a policy that was switched on, an approval that was taken back.
            Err(Error::StepRequired) => Err(crate::client::failure_of(&self.client.engine.step())),
            Err(other) => Err(other.into()),
        }
    }

    fn bar(&self, file: &FileEntry) -> ProgressBar {
        if !self.output.is_watched() {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::with_draw_target(Some(file.size), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{msg} [{wide_bar}] {bytes}/{total_bytes}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(visible(&file.name));
        bar
    }
}
