//! The link of the first run, on the operator's terminal.

use crate::first_run;
use crate::portal::Portal;
use std::io::Write;

/// The whole address of a new link; `None` if there is an organisation already.
pub(super) async fn link(portal: &Portal) -> Result<Option<String>, String> {
    let now_ms = portal.now_ms().map_err(|fault| fault.to_string())?;
    let path = portal.store.write(move |tx| first_run::mint(tx, now_ms)).await.map_err(|fault| fault.to_string())?;
    let base = portal.config.public_url.trim_end_matches('/');
    Ok(path.map(|path| format!("{base}{}", path.expose())))
}

/// On a new portal, says where the first admin comes in. To standard error, beside the log: a log is kept and read by others.
pub(super) async fn greet(portal: &Portal) -> Result<(), String> {
    if let Some(link) = link(portal).await? {
        let text = format!("\nThis portal is new. Open this link within 15 minutes to set it up:\n\n  {link}\n\n");
        // Without a terminal there is `admin first-run-link`.
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
    Ok(())
}
