//! `twinlock-demo`: a portal, its admin and a member's phone, in one terminal. `cargo xtask demo` builds and runs it.

use clap::{Parser, Subcommand};
use data_encoding::BASE64;
use serde_json::Value;
use std::path::PathBuf;
use std::process::ExitCode;
use twinlock_tests::drive::{Walked, drive};
use twinlock_tests::phone::{LinePhone, SHELLS};
use twinlock_tests::portal::{PortalPlace, RunningPortal};
use twinlock_tests::scenario::{Scenario, Variables};
use twinlock_tests::secrets::Secrets;
use twinlock_tests::terminal::Terminal;
use twinlock_tests::world::{DOCUMENTS, ORGANISATION, PEOPLE, PersonState, World};
use twinlock_tests::{Fault, Result, line_world, rust_phone};

#[derive(Parser)]
#[command(name = "twinlock-demo", about = "A whole Twinlock on this machine, and a phone that walks through it")]
struct Arguments {
    /// End after the walk; the last line says how it went
    #[arg(long)]
    once: bool,
    /// Who plays the phone
    #[arg(long, default_value = "rust", value_parser = SHELLS)]
    shell: String,
    /// Where the portal's log goes
    #[arg(long)]
    log_file: Option<PathBuf>,
    /// Where to write every secret that was used, one a line, for a test that looks for them
    #[arg(long)]
    secrets_file: Option<PathBuf>,
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Subcommand)]
enum Role {
    /// Be the phone: answer one line of JSON for each on standard input
    Phone,
    /// Be the portal, its admin and an authenticator, for the tests of a phone
    World,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Whoever links another provider in has said so; either one will do here.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(fault) => return failed(&Fault(fault.to_string())),
    };
    let done = runtime.block_on(async {
        match arguments.role {
            Some(Role::Phone) => rust_phone::serve().await,
            Some(Role::World) => line_world::serve().await,
            None => demo(&arguments).await,
        }
    });
    // A read of standard input may still hang in its thread.
    runtime.shutdown_background();
    done.map_or_else(|fault| failed(&fault), |()| ExitCode::SUCCESS)
}

fn failed(fault: &Fault) -> ExitCode {
    eprintln!("\ntwinlock-demo: {fault}");
    ExitCode::FAILURE
}

async fn demo(arguments: &Arguments) -> Result<()> {
    let mut terminal = Terminal::open(!arguments.once);
    let shown = tokio::select! {
        shown = show(arguments, &mut terminal) => shown,
        _ = tokio::signal::ctrl_c() => Err(Fault("stopped".to_owned())),
    };
    let (place, running) = shown?;
    terminal.gap();
    if arguments.once {
        running.stop().await?;
        terminal.line("main job: Ready");
        return Ok(());
    }
    terminal.line("main job: Ready");
    stay(&terminal, &place, running).await
}

/// Founds the organisation, introduces it and walks; whoever stops it midway leaves nothing behind.
async fn show(arguments: &Arguments, terminal: &mut Terminal) -> Result<(PortalPlace, RunningPortal)> {
    let secrets = arguments.secrets_file.as_deref().map_or_else(|| Ok(Secrets::none()), Secrets::at)?;
    let place = PortalPlace::create(arguments.log_file.as_deref())?;
    terminal.title("Twinlock: PIN and two-step authentication, on this machine");
    World::found(&place, &secrets)?;
    let running = place.serve().await?;
    let mut world = World::settle(&place, &secrets).await?;
    introduce(terminal, &place, &world);
    terminal.title("A member's phone, from the first sign-in to the day it is lost");
    let walked = walk(arguments, &place, &mut world, terminal, &secrets).await?;
    if walked.readies < 2 {
        return Err(Fault("the phone was not ready both times".to_owned()));
    }
    Ok((place, running))
}

fn introduce(terminal: &Terminal, place: &PortalPlace, world: &World) {
    terminal.fact("Portal", place.url());
    terminal.fact("Trust", format!("{} (the browser warns without it)", place.root_file().display()));
    terminal.fact("Log", place.log().display());
    terminal.gap();
    terminal.remark(&format!("Who can sign in at {ORGANISATION}; all of it is thrown away at the end"));
    for person in &PEOPLE {
        let state = match person.state {
            PersonState::Admin => "admin, set up",
            PersonState::SetUp => "set up",
            PersonState::NotSetUp => "not set up",
            PersonState::SettingUp => "setting up",
            PersonState::Suspended => "suspended",
            PersonState::Walked => "not set up; the phone below",
        };
        terminal.person(person.name, person.email, person.password, state);
    }
    terminal.gap();
    terminal.remark("Codes, for whoever is set up (each is accepted once)");
    for person in &PEOPLE {
        if let Some(command) = world.code_command(person.email) {
            terminal.fact(person.name.split(' ').next().unwrap_or_default(), command);
        }
    }
}

async fn walk(
    arguments: &Arguments,
    place: &PortalPlace,
    world: &mut World,
    terminal: &mut Terminal,
    secrets: &Secrets,
) -> Result<Walked> {
    let scenario = Scenario::main_job()?;
    let mut variables = variables(place)?;
    let mut phone = LinePhone::start(&arguments.shell, secrets)?;
    let walked = drive(&scenario, &mut variables, world, &mut phone, terminal, secrets).await;
    phone.end().await?;
    walked
}

fn variables(place: &PortalPlace) -> Result<Variables> {
    let mara = PEOPLE.iter().find(|person| person.state == PersonState::Walked);
    let mara = mara.ok_or_else(|| Fault("nobody is walked".to_owned()))?;
    let [file, ..] = &DOCUMENTS;
    let mut variables = Variables::default();
    variables.set("base_url", place.url());
    variables.set("authority", place.authority());
    variables.set("roots_pem", place.root_pem());
    variables.set("member", mara.name);
    variables.set("email", mara.email);
    variables.set("password", mara.password);
    variables.set("common_pin", "123456");
    variables.set("pin", "583017");
    variables.set("wrong_pin", "583071");
    variables.set("vault_secret", "amber otter 8861, second shelf");
    variables.set("file_name", file.name);
    variables.set("file_names", DOCUMENTS.iter().map(|file| file.name.into()).collect::<Vec<Value>>());
    variables.set("file_content", BASE64.encode(file.content.as_bytes()));
    Ok(variables)
}

/// The portal stays up for the browser until Ctrl-C.
async fn stay(terminal: &Terminal, place: &PortalPlace, mut running: RunningPortal) -> Result<()> {
    terminal.gap();
    terminal.remark(&format!("The portal stays at {} until Ctrl-C.", place.url()));
    loop {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => break,
            () = tokio::time::sleep(std::time::Duration::from_secs(1)) => {
                if !running.is_running() {
                    return Err(Fault(format!("the portal ended; its log: {}", place.log().display())));
                }
            }
        }
    }
    running.stop().await?;
    terminal.remark("The portal is gone, and everything it kept.");
    Ok(())
}
