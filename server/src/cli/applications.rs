//! Other people's applications, made known by the operator.

use crate::applications::{back_ends, protected_hosts};
use crate::portal::Portal;
use clap::Subcommand;

#[derive(Subcommand)]
pub(super) enum Applications {
    /// Let an application's back end ask about requests to it; prints its key, once
    AddBackEnd {
        /// The organisation's id
        #[arg(long)]
        organisation: String,
        /// A name for the audit log
        #[arg(long)]
        name: String,
        /// Where phones send their requests: https://HOST or https://HOST:PORT
        #[arg(long)]
        url: String,
    },
    /// Take a back end's key away
    RemoveBackEnd {
        /// The organisation's id
        #[arg(long)]
        organisation: String,
        /// The name it was added with
        #[arg(long)]
        name: String,
    },
    /// Let members in at a host whose proxy asks this portal before it serves
    ProtectHost {
        /// The organisation's id
        #[arg(long)]
        organisation: String,
        /// HOST, or HOST:PORT unless the port is 443
        #[arg(long)]
        host: String,
    },
    /// Let nobody in at a host any more
    UnprotectHost {
        /// The organisation's id
        #[arg(long)]
        organisation: String,
        /// The host it was added with
        #[arg(long)]
        host: String,
    },
}

pub(super) async fn execute(portal: &Portal, command: Applications) -> Result<String, String> {
    let now_ms = portal.now_ms().map_err(|fault| fault.to_string())?;
    let unknown = |fault: crate::store::StoreError| format!("{fault} (is --organisation right?)");
    match command {
        Applications::AddBackEnd { organisation, name, url } => {
            let add =
                move |tx: &mut crate::store::Tx<'_>| back_ends::insert(tx, &organisation, name.trim(), &url, now_ms);
            let key = portal.store.write(add).await.map_err(unknown)?;
            let fault = "--url: must be https://HOST or https://HOST:PORT, and --name one that no other back end has";
            key.map(|key| key.expose().to_owned()).map_err(|_| fault.to_owned())
        }
        Applications::RemoveBackEnd { organisation, name } => {
            let remove = move |tx: &mut crate::store::Tx<'_>| back_ends::remove(tx, &organisation, name.trim(), now_ms);
            let removed = portal.store.write(remove).await.map_err(unknown)?;
            removed.map(|()| String::new()).map_err(|_| "--name: there is no back end with this name".to_owned())
        }
        Applications::ProtectHost { organisation, host } => {
            let add = move |tx: &mut crate::store::Tx<'_>| protected_hosts::insert(tx, &organisation, &host, now_ms);
            let added = portal.store.write(add).await.map_err(unknown)?;
            let fault = "--host: must be HOST or HOST:PORT in lower case, and not protected already";
            added.map(|()| String::new()).map_err(|_| fault.to_owned())
        }
        Applications::UnprotectHost { organisation, host } => {
            let remove = move |tx: &mut crate::store::Tx<'_>| protected_hosts::remove(tx, &organisation, &host, now_ms);
            let removed = portal.store.write(remove).await.map_err(unknown)?;
            removed.map(|()| String::new()).map_err(|_| "--host: it is none of this organisation's".to_owned())
        }
    }
}
