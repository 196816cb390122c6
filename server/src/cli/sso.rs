//! `twinlock-portal admin sso`: the identity provider of an organisation.

use crate::portal::Portal;
use crate::sso::{self, CALLBACK, NameClaim, NewSettings};
use crate::store::StoreError;
use clap::{Subcommand, ValueEnum};
use serde_json::json;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use twinlock_core::Error;
use twinlock_core::secret::SecretText;
use zeroize::Zeroizing;

#[derive(Subcommand)]
pub(super) enum Sso {
    /// Set the provider, in place of one that there is; prints what to enter at the provider
    Set {
        /// The organisation's id
        organisation: String,
        /// The issuer, exactly as the provider writes it in its discovery document
        #[arg(long, value_name = "URL")]
        issuer: String,
        /// The portal's client id at the provider
        #[arg(long, value_name = "ID")]
        client_id: String,
        /// File with the client secret; an argument could be seen by other users of this machine
        #[arg(long, value_name = "PATH")]
        client_secret_file: PathBuf,
        /// Values of `amr` of which one counts as MFA (RFC 8176)
        #[arg(long, value_name = "VALUES", value_delimiter = ',', default_value = "mfa")]
        mfa_amr: Vec<String>,
        /// Values of `acr` of which one counts as MFA; the provider is asked for them
        #[arg(long, value_name = "VALUES", value_delimiter = ',')]
        mfa_acr: Vec<String>,
        /// The claim that is a member's sign-in name; an e-mail address has to be verified
        #[arg(long, default_value = "email")]
        name_claim: NameClaimArgument,
    },
    /// Show what is set, without the secret
    Show {
        /// The organisation's id
        organisation: String,
    },
    /// Remove the provider; members sign in with their passwords, and what it asserted counts no more
    Remove {
        /// The organisation's id
        organisation: String,
    },
    /// Forget whom the provider knows a member as; the next sign-in finds the member by name again
    Unlink {
        /// The organisation's id
        organisation: String,
        /// The member's e-mail address
        #[arg(long)]
        email: String,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum NameClaimArgument {
    #[value(name = "preferred_username")]
    PreferredUsername,
    Email,
}

pub(super) async fn execute(portal: &Portal, command: Sso, now_ms: u64) -> Result<String, String> {
    match command {
        Sso::Set { organisation, issuer, client_id, client_secret_file, mfa_amr, mfa_acr, name_claim } => {
            check_issuer(&issuer)?;
            if client_id.trim().is_empty() {
                return Err("--client-id: must not be empty".to_owned());
            }
            let new = NewSettings {
                issuer,
                client_id,
                secret: read_secret(&client_secret_file)?,
                mfa_amr: without_empty(&mfa_amr),
                mfa_acr: without_empty(&mfa_acr),
                name_claim: match name_claim {
                    NameClaimArgument::PreferredUsername => NameClaim::PreferredUsername,
                    NameClaimArgument::Email => NameClaim::Email,
                },
            };
            let (wrap, of) = (Arc::clone(&portal.key_wrap), organisation.clone());
            done(portal.store.write(move |tx| sso::set(tx, &of, &new, wrap.as_ref(), now_ms)).await)?;
            show(portal, organisation).await
        }
        Sso::Show { organisation } => show(portal, organisation).await,
        Sso::Remove { organisation } => {
            done(portal.store.write(move |tx| sso::remove(tx, &organisation, now_ms)).await).map(|()| String::new())
        }
        Sso::Unlink { organisation, email } => {
            let unlinked = portal.store.write(move |tx| sso::unlink(tx, &organisation, &email, now_ms)).await;
            done(unlinked).map(|()| String::new())
        }
    }
}

async fn show(portal: &Portal, organisation: String) -> Result<String, String> {
    let of = organisation.clone();
    let found = portal.store.read(move |tx| sso::find(tx, &of)).await.map_err(|fault| fault.to_string())?;
    let found = found.ok_or("this organisation has no identity provider")?;
    let public_url = portal.config.public_url.trim_end_matches('/');
    let mut said = found.to_value();
    if let Some(fields) = said.as_object_mut() {
        fields.insert("redirect_uri".to_owned(), json!(format!("{public_url}{CALLBACK}")));
        fields.insert("sign_in_link".to_owned(), json!(format!("{public_url}/sign-in/sso/{organisation}")));
    }
    serde_json::to_string_pretty(&said).map_err(|fault| fault.to_string())
}

fn done(outcome: Result<Result<(), Error>, StoreError>) -> Result<(), String> {
    match outcome.map_err(|fault| fault.to_string())? {
        Ok(()) => Ok(()),
        Err(Error::NotFound) => Err("there is nothing of that kind; look at the ids with `show`".to_owned()),
        Err(fault) => Err(fault.to_string()),
    }
}

/// Discovery §3: https, without query or fragment.
fn check_issuer(issuer: &str) -> Result<(), String> {
    let url = reqwest::Url::parse(issuer).map_err(|fault| format!("--issuer: {fault}"))?;
    let has_user = !url.username().is_empty() || url.password().is_some();
    if url.scheme() != "https" || url.query().is_some() || url.fragment().is_some() || has_user {
        return Err("--issuer: must be an https address without a query, a fragment or a user".to_owned());
    }
    Ok(())
}

fn without_empty(values: &[String]) -> Vec<String> {
    let trimmed = values.iter().map(|value| value.trim().to_owned());
    trimmed.filter(|value| !value.is_empty()).collect()
}

fn read_secret(path: &Path) -> Result<SecretText, String> {
    let failed = |fault: std::io::Error| format!("{}: {fault}", path.display());
    let mut text = Zeroizing::new(String::with_capacity(4096));
    File::open(path).map_err(failed)?.take(4096).read_to_string(&mut text).map_err(failed)?;
    let secret = text.trim();
    if secret.is_empty() {
        return Err(format!("{}: holds no secret", path.display()));
    }
    Ok(SecretText::new(secret.to_owned()))
}
