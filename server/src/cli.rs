//! The command line: `serve`, `admin`, `rescue`, `keys`, `config check`.

mod applications;
mod first_run;
mod operator;
mod serve;
mod sso;

use crate::config::{Config, Flags};
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "twinlock-portal", version, about = "The Twinlock portal")]
struct Arguments {
    /// Configuration file (TOML); environment variables `TWINLOCK_…` win over it
    #[arg(long, global = true, env = "TWINLOCK_CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the portal
    Serve,
    /// Add organisations, members and files
    #[command(subcommand)]
    Admin(operator::Admin),
    /// Repair what nobody can repair from inside
    #[command(subcommand)]
    Rescue(operator::Rescue),
    /// Change the portal's keys
    #[command(subcommand)]
    Keys(operator::Keys),
    /// Work with the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Check the configuration and print what holds
    Check,
}

/// Runs the command line; what it says goes to standard output, faults to standard error.
#[allow(clippy::print_stdout, clippy::print_stderr, reason = "this is the command line")]
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let config = Config::read(arguments.config.as_deref(), &arguments.flags);
    let done = config.and_then(|config| execute(arguments.command, config));
    match done {
        Ok(said) => {
            if !said.is_empty() {
                println!("{said}");
            }
            ExitCode::SUCCESS
        }
        Err(fault) => {
            eprintln!("twinlock-portal: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn execute(command: Command, config: Config) -> Result<String, String> {
    // One provider for all of TLS; whoever linked another one in has to be told.
    rustls::crypto::ring::default_provider().install_default().map_err(|_| "another TLS provider is installed")?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|fault| fault.to_string())?;
    match command {
        Command::Serve => runtime.block_on(serve::serve(config)).map(|()| String::new()),
        Command::Admin(admin) => runtime.block_on(operator::admin(config, admin)),
        Command::Rescue(rescue) => runtime.block_on(operator::rescue(config, rescue)),
        Command::Keys(keys) => runtime.block_on(operator::keys(config, keys)),
        Command::Config(ConfigCommand::Check) => {
            serde_json::to_string_pretty(&config).map_err(|fault| fault.to_string())
        }
    }
}
