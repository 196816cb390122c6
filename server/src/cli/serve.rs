//! `twinlock-portal serve`.

use super::first_run;
use crate::app::{app, declared};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::health;
use crate::key_wrap::FileKeyWrap;
use crate::mail::mailer;
use crate::mail::smtp::Smtp;
use crate::portal::{Portal, PortalState};
use crate::store::{Options, Store};
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use hyper_util::rt::TokioTimer;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use twinlock_core::ports::Clock;

/// Whoever has not sent its headers by then is cut off.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
const SWEEP_EVERY: Duration = Duration::from_secs(60);
const DRAIN: Duration = Duration::from_secs(10);

/// Opens the portal's database and keys as the configuration says.
pub(super) fn open(config: Config) -> Result<Portal, String> {
    let clock = Arc::new(SystemClock::start());
    let now_ms = clock.wall_ms().map_err(|fault| fault.to_string())?;
    let folder =
        |path: &std::path::Path| fs::create_dir_all(path).map_err(|fault| format!("{}: {fault}", path.display()));
    folder(&config.data)?;
    if let Some(parent) = config.key_file.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        folder(parent)?;
    }
    let key_wrap = FileKeyWrap::open_or_create(&config.key_file).map_err(|fault| fault.to_string())?;
    let roots = config.database_roots.clone();
    let options = Options { roots, ..Options::at(i64::try_from(now_ms).unwrap_or(i64::MAX)) };
    let store = match &config.database {
        Some(address) => Store::open_postgres(address, &options),
        None => Store::open_sqlite(&config.data.join("portal.db"), options),
    };
    let store = store.map_err(|fault| fault.to_string())?;
    Ok(PortalState::new(config, store, clock, Arc::new(key_wrap)))
}

/// Serves until SIGTERM or SIGINT, then finishes what is under way.
pub(super) async fn serve(config: Config) -> Result<(), String> {
    let filter = tracing_subscriber::EnvFilter::try_new(&config.log).map_err(|fault| format!("log: {fault}"))?;
    // At its most talkative this one writes whole addresses, and with them the tokens of one-time links.
    let silent = "tower_http::csrf::service=off".parse().map_err(|fault| format!("log: {fault}"))?;
    let filter = filter.add_directive(silent);
    tracing_subscriber::fmt().json().with_env_filter(filter).init();
    let portal = open(config.clone())?;
    let routes = declared(&portal)?.len();
    let smtp = config.mail.as_ref().map(|mail| Smtp::new(mail, config.authority())).transpose()?;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let sending = smtp.map(|smtp| tokio::spawn(mailer::work(portal.clone(), smtp, stopped)));
    let handle = Handle::new();
    tokio::spawn(stop_on_signal(handle.clone()));
    tokio::spawn(sweep(portal.clone()));
    let management = tokio::net::TcpListener::bind(config.management_listen)
        .await
        .map_err(|fault| format!("management_listen {}: {fault}", config.management_listen))?;
    tokio::spawn(answer_probes(management, handle.clone(), portal.clone()));
    first_run::greet(&portal).await?;
    let service = app(portal.clone()).into_make_service_with_connect_info::<SocketAddr>();
    tracing::info!(listen = %config.listen, public_url = config.public_url, routes, "serving");
    let failed = |fault: std::io::Error| format!("listen {}: {fault}", config.listen);
    match &config.tls {
        Some(tls) => {
            let mut server =
                axum_server::bind_rustls(config.listen, tls_config(&tls.certificate, &tls.key)?).handle(handle);
            server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
            server.serve(service).await.map_err(failed)?;
        }
        None => {
            let mut server = axum_server::bind(config.listen).handle(handle);
            server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
            server.serve(service).await.map_err(failed)?;
        }
    }
    let _ = stop.send(true);
    if let Some(sending) = sending {
        let _ = tokio::time::timeout(DRAIN, sending).await;
    }
    portal.store.close().await;
    Ok(())
}

/// A probe that arrives earlier waits: whoever hears that the portal is healthy may connect at once.
async fn answer_probes(listener: tokio::net::TcpListener, handle: Handle<SocketAddr>, portal: Portal) {
    if handle.listening().await.is_some()
        && let Err(fault) = axum::serve(listener, health::router(portal)).await
    {
        tracing::error!(%fault, "the operator's probes are not answered any more");
    }
}

/// TLS 1.3 and nothing older.
fn tls_config(certificate: &std::path::Path, key: &std::path::Path) -> Result<RustlsConfig, String> {
    let at = |path: &std::path::Path, fault: String| format!("{}: {fault}", path.display());
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|fault| at(certificate, fault.to_string()))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|fault| at(key, fault.to_string()))?;
    let mut config = rustls::ServerConfig::builder_with_protocol_versions(&[&rustls::version::TLS13])
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|fault| format!("tls: {fault}"))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(RustlsConfig::from_config(Arc::new(config)))
}

async fn stop_on_signal(handle: Handle<SocketAddr>) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    handle.graceful_shutdown(Some(DRAIN));
}

/// Forgets what is too old to matter.
async fn sweep(portal: Portal) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        if let Err(fault) = portal.sweep().await {
            tracing::error!(%fault, "sweeping failed");
        }
    }
}
