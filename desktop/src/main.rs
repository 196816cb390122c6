//! `twinlock`: the command-line client for desktops and scripts, on the same engine as the phones.

mod cli;
mod client;
mod clock;
mod credentials;
mod download;
mod failure;
mod file_store;
mod files;
mod key;
mod keyring_store;
mod local_name;
mod output;
mod pages;
mod register;
mod registration;
mod roots;
mod status;
mod storage;

use clap::Parser;
use cli::{Cli, Command, Files};
use failure::{Class, Failure};
use output::Output;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(cli.json, cli.color);
    match run(cli, &output) {
        Ok(code) => code,
        Err(failure) => {
            output.failure(&failure);
            failure.class.into()
        }
    }
}

fn run(cli: Cli, output: &Output) -> Result<ExitCode, Failure> {
    let store = cli.insecure_file_store.as_deref();
    match cli.command {
        Command::Completions { shell } => pages::completions(shell),
        Command::Man { to } => pages::man(to.as_deref()),
        Command::Register(asked) => block_on(register::register(&asked, store, output)),
        Command::Status => block_on(status::status(store, output)),
        Command::SignOut { forget } => block_on(status::sign_out(forget, store, output)),
        Command::Files(Files::List { credentials }) => block_on(files::list(&credentials, store, output)),
        Command::Files(Files::Get(asked)) => block_on(files::get(&asked, store, output)),
    }
}

/// One thread: there is one thing to do, and it waits for the network most of the time.
fn block_on(work: impl Future<Output = Result<Class, Failure>>) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|_| Failure::from(twinlock_core::Error::Internal))?;
    runtime.block_on(work).map(Into::into)
}
