//! What the operator does on the portal's own machine. Passwords come by standard input, never as arguments.

use super::applications::{self, Applications};
use super::first_run;
use super::serve::open;
use super::sso;
use crate::config::Config;
use crate::members::{self, NewMember};
use crate::organisations::NewOrganisation;
use crate::portal::Portal;
use crate::{files, password, policy_keys, rescued, restored, two_step};
use clap::{Subcommand, ValueEnum};
use serde_json::json;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use twinlock_core::Error;
use twinlock_core::secret::SecretText;
use zeroize::Zeroizing;

#[derive(Subcommand)]
pub(super) enum Admin {
    /// Create an organisation; prints its id
    CreateOrganisation {
        /// Its name, as members and authenticator apps show it
        #[arg(long)]
        name: String,
    },
    /// Add a member; the password is read from standard input; prints the member's id
    AddMember {
        /// The organisation's id
        #[arg(long)]
        organisation: String,
        /// The member's name
        #[arg(long)]
        name: String,
        /// The member's e-mail address, which is the sign-in name
        #[arg(long)]
        email: String,
        /// What the member may do
        #[arg(long, default_value = "member")]
        role: RoleArgument,
    },
    /// Add a file; prints its id
    AddFile {
        /// The organisation's id
        #[arg(long)]
        organisation: String,
        /// The file to copy
        path: PathBuf,
    },
    /// Print a new link, valid for 15 minutes, by which the first admin of a new portal comes in
    FirstRunLink,
    #[command(flatten)]
    Applications(Applications),
    /// Work with the identity provider that an organisation's members sign in by
    #[command(subcommand)]
    Sso(sso::Sso),
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum RoleArgument {
    Member,
    Admin,
    Auditor,
}

#[derive(Subcommand)]
pub(super) enum Rescue {
    /// After the clock ran ahead and was set right: accept codes again
    Clock {
        /// Why; goes into the audit log
        #[arg(long)]
        reason: String,
    },
    /// Lift the suspension of a member, such as the only admin, who froze the account by a mail's link
    Reinstate(Whom),
    /// Reset the two-step authentication of a member, such as the only admin, who has lost phone and recovery codes
    ResetTwoStep(Whom),
    /// After a backup was put back, before it serves: nobody gains a try or keeps an approval by it
    Restored {
        /// Why; goes into the audit log
        #[arg(long)]
        reason: String,
    },
}

#[derive(clap::Args)]
pub(super) struct Whom {
    /// The member's e-mail address, which is the sign-in name
    #[arg(long)]
    email: String,
    /// Why, and how it was checked who is asking; goes into the audit log
    #[arg(long)]
    reason: String,
}

#[derive(Subcommand)]
pub(super) enum Keys {
    /// Make a new policy key for an organisation, vouched for by the present one; prints the new public key
    HandOver {
        /// The organisation's id
        #[arg(long)]
        organisation: String,
        /// Why; goes into the audit log
        #[arg(long)]
        reason: String,
    },
}

pub(super) async fn admin(config: Config, command: Admin) -> Result<String, String> {
    let portal = open(config)?;
    let said = execute(&portal, command).await;
    portal.store.close().await;
    said
}

pub(super) async fn rescue(config: Config, command: Rescue) -> Result<String, String> {
    let portal = open(config)?;
    let now_ms = portal.now_ms().map_err(|fault| fault.to_string())?;
    let (Rescue::Clock { reason }
    | Rescue::Restored { reason }
    | Rescue::Reinstate(Whom { reason, .. })
    | Rescue::ResetTwoStep(Whom { reason, .. })) = &command;
    let reason = reason.trim().to_owned();
    if reason.is_empty() {
        return Err("a reason is required".to_owned());
    }
    let done = portal.store.write(move |tx| match command {
        Rescue::Clock { .. } => Ok(Ok(json!({ "repaired": two_step::repair_clock(tx, now_ms, &reason)? }))),
        Rescue::Restored { .. } => Ok(Ok(json!({ "waiting": restored::settle(tx, now_ms, &reason)? }))),
        Rescue::Reinstate(whom) => {
            let done = rescued::reinstate(tx, &whom.email, &reason, now_ms)?;
            Ok(done.map(|member| json!({ "reinstated": member })))
        }
        Rescue::ResetTwoStep(whom) => {
            let done = rescued::reset_two_step(tx, &whom.email, &reason, now_ms)?;
            Ok(done.map(|member| json!({ "reset": member })))
        }
    });
    let done = done.await;
    portal.store.close().await;
    match done.map_err(|fault| fault.to_string())? {
        Ok(said) => Ok(said.to_string()),
        Err(Error::NotFound) => Err("--email: nobody signs in with it, or there is nothing to do".to_owned()),
        Err(fault) => Err(fault.to_string()),
    }
}

pub(super) async fn keys(config: Config, command: Keys) -> Result<String, String> {
    let Keys::HandOver { organisation, reason } = command;
    let reason = reason.trim().to_owned();
    if reason.is_empty() {
        return Err("a reason is required".to_owned());
    }
    let portal = open(config)?;
    let now_ms = portal.now_ms().map_err(|fault| fault.to_string())?;
    let wrap = Arc::clone(&portal.key_wrap);
    let done =
        portal.store.write(move |tx| policy_keys::hand_over(tx, wrap.as_ref(), &organisation, &reason, now_ms)).await;
    portal.store.close().await;
    match done.map_err(|fault| fault.to_string())? {
        Ok(public) => Ok(public),
        Err(Error::NotFound) => Err("--organisation: there is none with this id".to_owned()),
        Err(fault) => Err(fault.to_string()),
    }
}

async fn execute(portal: &Portal, command: Admin) -> Result<String, String> {
    let now_ms = portal.now_ms().map_err(|fault| fault.to_string())?;
    match command {
        Admin::CreateOrganisation { name } => {
            let new = NewOrganisation::generate(&name, portal.key_wrap.as_ref(), now_ms);
            let new = new.map_err(|fault| format!("--name: {fault}"))?;
            portal.store.write(move |tx| new.insert(tx)).await.map_err(|fault| fault.to_string())
        }
        Admin::AddMember { organisation, name, email, role } => {
            let password = read_password()?;
            let weak = password::check_new(&password, password::LEAST_ALONE, &[&name, &email]);
            weak.map_err(|weak| weak.to_string())?;
            twinlock_core::code::Label::new(Some("issuer"), &email).map_err(|fault| format!("--email: {fault}"))?;
            let stored = password::hash(&password).map_err(|fault| fault.to_string())?;
            let role = match role {
                RoleArgument::Member => "member",
                RoleArgument::Admin => "admin",
                RoleArgument::Auditor => "auditor",
            };
            let added = portal.store.write(move |tx| {
                let new = NewMember {
                    organisation: &organisation,
                    name: name.trim(),
                    email: email.trim(),
                    role,
                    password: &stored,
                };
                members::insert(tx, &new, now_ms)
            });
            let added = added.await.map_err(|fault| format!("{fault} (is --organisation right?)"))?;
            added.map_err(|_| "--email: somebody signs in with this address already".to_owned())
        }
        Admin::AddFile { organisation, path } => {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let content = std::fs::read(&path).map_err(|fault| format!("{}: {fault}", path.display()))?;
            let added = files::add(portal, organisation, name, content).await;
            added.map_err(|refusal| refusal.title().to_owned())
        }
        Admin::FirstRunLink => {
            let link = first_run::link(portal).await?;
            link.ok_or_else(|| "there is an organisation already; add an admin with add-member".to_owned())
        }
        Admin::Applications(command) => applications::execute(portal, command).await,
        Admin::Sso(command) => sso::execute(portal, command, now_ms).await,
    }
}

fn read_password() -> Result<SecretText, String> {
    let mut text = Zeroizing::new(String::with_capacity(2048));
    std::io::stdin().take(2048).read_to_string(&mut text).map_err(|_| "the password on standard input is not UTF-8")?;
    Ok(SecretText::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}
