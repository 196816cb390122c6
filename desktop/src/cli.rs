//! What can be typed. The comments here are the text of `--help` and of the man page.

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Exit codes:
  0   done; of `register` and `status`: ready
  2   typed wrongly
  3   sign in first: the session has ended, or name or password was wrong
  4   refused by the policy, or still waiting for the approval
  5   the portal cannot be reached or is not trusted, or it asks you to wait
  6   the keyring, the file store, or this desktop's key
  7   the enrollment ended, or the desktop has to be registered again
  8   the code was not accepted
  9   a fault of twinlock's own
  10  a file that is not there, or a local one that is there already

With --json, standard output is one object, and a failure is one object {code, class, message, what_to_do,
retry_after_ms} on standard error. Codes are those of the error catalogue, and never change their meaning.

Passwords and codes are typed where nobody sees them, or read from a file (- for standard input: the first line is the
password, the next one the code). They are never arguments and never in the environment.";

/// Two-step authentication on a desktop: register it once, then list and fetch your organisation's files.
#[derive(Debug, Parser)]
#[command(name = "twinlock", version, after_long_help = AFTER_HELP, arg_required_else_help = true)]
pub struct Cli {
    /// Print one JSON object, for programs.
    #[arg(long, global = true)]
    pub json: bool,
    /// Use colours: auto uses them on a terminal, unless NO_COLOR is set.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
    /// Keep key and session in this file instead of the system's keyring, readable by you alone and not sealed. Whoever can
    /// copy the file is this desktop until it is revoked, and your admins see that you chose it.
    #[arg(long, global = true, value_name = "PATH", env = "TWINLOCK_INSECURE_FILE_STORE")]
    pub insecure_file_store: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Register this desktop, or sign in again: password, code, and the approval of an admin for a new desktop.
    Register(Register),
    /// Say where this desktop stands. Exits with 0 only if files can be fetched.
    Status,
    /// List and fetch files.
    #[command(subcommand)]
    Files(Files),
    /// End the session. The desktop stays registered; password and code open the next session.
    SignOut {
        /// Forget the registration as well, and delete this desktop's key. Revoke the device on the portal's page, too.
        #[arg(long)]
        forget: bool,
    },
    /// Print the completions of a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print this program's man page.
    Man {
        /// Write the pages of all commands into this folder instead.
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
    },
}

/// Register this desktop.
#[derive(Debug, Args)]
pub struct Register {
    /// The portal's address, https://host or https://host:port.
    #[arg(long, value_name = "URL")]
    pub portal: Option<String>,
    /// Your sign-in name (e-mail address).
    #[arg(long)]
    pub name: Option<String>,
    /// What this desktop is called on the portal; the machine's name unless you say otherwise.
    #[arg(long, value_name = "NAME")]
    pub device_name: Option<String>,
    /// Trust the certificates in this PEM file instead of the system's.
    #[arg(long, value_name = "PATH")]
    pub ca_file: Option<PathBuf>,
    /// Wait until an admin has approved the desktop.
    #[arg(long)]
    pub wait: bool,
    /// Replace a registration with another portal or of another name.
    #[arg(long)]
    pub replace: bool,
    /// Where password and code come from.
    #[command(flatten)]
    pub credentials: Sources,
}

/// List and fetch files.
#[derive(Debug, Subcommand)]
pub enum Files {
    /// List your organisation's files.
    List {
        /// Where password and code come from, if the session has ended.
        #[command(flatten)]
        credentials: Sources,
    },
    /// Fetch files. A file that is there already is never lost by a download that fails.
    Get(Get),
}

/// Fetch files.
#[derive(Debug, Args)]
pub struct Get {
    /// Names or ids, as `files list` shows them.
    #[arg(value_name = "NAME|ID", required_unless_present = "all", conflicts_with = "all")]
    pub files: Vec<String>,
    /// Fetch every file.
    #[arg(long)]
    pub all: bool,
    /// The folder to put them into.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub to: PathBuf,
    /// Replace local files of the same name.
    #[arg(long)]
    pub force: bool,
    /// Where password and code come from, if the session has ended.
    #[command(flatten)]
    pub credentials: Sources,
}

/// Where password and code come from; from the terminal unless said otherwise.
#[derive(Debug, Clone, Args)]
pub struct Sources {
    /// Read the password from this file; - for standard input.
    #[arg(long, value_name = "PATH")]
    pub password_file: Option<PathBuf>,
    /// Read the code from this file; - for standard input.
    #[arg(long, value_name = "PATH")]
    pub code_file: Option<PathBuf>,
}
