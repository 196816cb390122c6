//! What packagers take out of the program: completions and man pages.

use crate::cli::Cli;
use crate::failure::Failure;
use clap::CommandFactory;
use clap_complete::Shell;
use std::path::Path;
use std::process::ExitCode;

/// Prints the completions of a shell.
pub fn completions(shell: Shell) -> Result<ExitCode, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "twinlock", &mut text);
    print(&text)
}

/// Prints the man page, or writes those of all commands into a folder.
pub fn man(folder: Option<&Path>) -> Result<ExitCode, Failure> {
    if let Some(folder) = folder {
        let written = std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(Cli::command(), folder));
        written.map_err(|fault| Failure::local(folder.display(), &fault))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = Vec::new();
    let rendered = clap_mangen::Man::new(Cli::command()).render(&mut text);
    rendered.map_err(|fault| Failure::local("standard output", &fault))?;
    print(&text)
}

fn print(text: &[u8]) -> Result<ExitCode, Failure> {
    use std::io::Write;
    // Whoever reads may be gone already.
    let _ = std::io::stdout().write_all(text);
    Ok(ExitCode::SUCCESS)
}
