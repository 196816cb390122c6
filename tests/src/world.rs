//! The organisation of the demo, its people, and what its admin does in the browser.

use crate::authenticator::Authenticator;
use crate::browser::{Browser, Page};
use crate::portal::PortalPlace;
use crate::secrets::Secrets;
use crate::{Doing, Fault, Result};
use twinlock_core::ports::Clock;
use twinlock_portal::clock::SystemClock;

/// Somebody of the organisation.
#[derive(Debug, Clone, Copy)]
pub struct Person {
    /// The name on the pages.
    pub name: &'static str,
    /// The sign-in name.
    pub email: &'static str,
    /// The password of this throw-away account.
    pub password: &'static str,
    /// What the demo brings this person to.
    pub state: PersonState,
}

/// Where a person stands when the demo is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonState {
    /// The admin, set up.
    Admin,
    /// Two-step is set up.
    SetUp,
    /// Nothing was set up.
    NotSetUp,
    /// The QR code was shown and no code was typed yet.
    SettingUp,
    /// Suspended by the admin.
    Suspended,
    /// The one whose phone is walked.
    Walked,
}

/// The organisation's name.
pub const ORGANISATION: &str = "Northwind Hydro";

/// Everybody, the admin first.
pub const PEOPLE: [Person; 6] = [
    Person {
        name: "Ines Castell",
        email: "ines@northwind.example",
        password: "granite heron 47 ferries",
        state: PersonState::Admin,
    },
    Person {
        name: "Mara Lindt",
        email: "mara@northwind.example",
        password: "seven kettles on a barge",
        state: PersonState::Walked,
    },
    Person {
        name: "Jonas Okafor",
        email: "jonas@northwind.example",
        password: "violet tram to Marseille",
        state: PersonState::SetUp,
    },
    Person {
        name: "Theo Brandt",
        email: "theo@northwind.example",
        password: "umbrella pine & cold tea",
        state: PersonState::NotSetUp,
    },
    Person {
        name: "Lena Fischer",
        email: "lena@northwind.example",
        password: "paper lanterns, low tide",
        state: PersonState::SettingUp,
    },
    Person {
        name: "Pavel Novak",
        email: "pavel@northwind.example",
        password: "borrowed cello in spring",
        state: PersonState::Suspended,
    },
];

/// A file of the organisation.
#[derive(Debug, Clone, Copy)]
pub struct Document {
    /// Its name.
    pub name: &'static str,
    /// Its content.
    pub content: &'static str,
}

/// The organisation's files, as members see them.
pub const DOCUMENTS: [Document; 3] = [
    Document {
        name: "Emergency contacts.txt",
        content: "Control room, day and night   +49 30 5550 1200\nDam warden, Ulrike Senn        +49 30 5550 1217\nRiver police                   +49 30 5550 1300\n",
    },
    Document {
        name: "Inspection 2026-10.csv",
        content: "gate,checked,state,remark\n1,2026-10-12,good,\n2,2026-10-12,good,\n3,2026-10-13,watch,seal to be replaced in spring\n4,2026-10-13,good,\n",
    },
    Document {
        name: "Spillway procedure.md",
        content: "# Opening the spillway\n\n1. Call the control room and say which gate.\n2. Sound the horn for thirty seconds, wait two minutes.\n3. Open by a tenth, watch the gauge, then go on.\n",
    },
];

/// The seeded organisation and the admin at a browser.
pub struct World {
    clock: SystemClock,
    secrets: Secrets,
    admin: Browser,
    admin_authenticator: Option<Authenticator>,
    /// Authenticators of the members who have one, as a person at the terminal would ask them.
    commands: Vec<(&'static str, String)>,
}

impl World {
    /// Creates organisation, people and files with the portal's own command line, before it serves; returns the
    /// organisation's id.
    pub fn found(place: &PortalPlace, secrets: &Secrets) -> Result<String> {
        let organisation = place.run(&["admin", "create-organisation", "--name", ORGANISATION], "")?;
        for person in &PEOPLE {
            let role = if person.state == PersonState::Admin { "admin" } else { "member" };
            let (name, email) = (person.name, person.email);
            let to = [
                "admin",
                "add-member",
                "--organisation",
                &organisation,
                "--name",
                name,
                "--email",
                email,
                "--role",
                role,
            ];
            place.run(&to, person.password)?;
            secrets.note("password", person.password)?;
        }
        for document in &DOCUMENTS {
            let path = place.write_document(document.name, document.content.as_bytes())?;
            let path = path.to_str().doing("the temporary folder's name is not UTF-8")?;
            place.run(&["admin", "add-file", "--organisation", &organisation, path], "")?;
        }
        Ok(organisation)
    }

    /// The admin signs in, switches *Require Two-Step Authentication* on and sets up; everybody is brought to their state.
    pub async fn settle(place: &PortalPlace, secrets: &Secrets) -> Result<Self> {
        let admin = Browser::open(&place.url(), place.root_pem().as_bytes(), secrets)?;
        let clock = SystemClock::start();
        let mut world =
            Self { clock, secrets: secrets.clone(), admin, admin_authenticator: None, commands: Vec::new() };
        let [ines, others @ ..] = &PEOPLE;
        sign_in(&mut world.admin, ines).await?.expect("/files")?;
        world.require_two_step().await?;
        let authenticator = world.set_up(ines).await?;
        world.commands.push((ines.email, authenticator.command()));
        world.admin_authenticator = Some(authenticator);
        for person in others {
            world.bring_to_state(place, person).await?;
        }
        world.check_states().await?;
        Ok(world)
    }

    /// The command that shows this person's present code, if the person has an authenticator.
    pub fn code_command(&self, email: &str) -> Option<&str> {
        self.commands.iter().find(|(whose, _)| *whose == email).map(|(_, command)| command.as_str())
    }

    /// The clock of this machine.
    pub fn clock(&self) -> &dyn Clock {
        &self.clock
    }

    /// Switches *Require Two-Step Authentication* on, if it is not on yet.
    pub async fn require_two_step(&mut self) -> Result<()> {
        let page = self.admin.get("/admin/policies").await?.expect("/admin/policies")?;
        if page.html.contains(" checked") {
            return Ok(());
        }
        let version = page.field("version").doing("the policy page names no version")?.to_owned();
        let saved = self.admin.post("/admin/policies", &[("version", &version), ("two_step", "on")]).await?;
        // The admin has no authenticator yet and is now led to the set-up like everybody else.
        if saved.path.starts_with("/set-up") { Ok(()) } else { saved.expect("/admin/policies").map(|_| ()) }
    }

    /// Types the comparison code that `member`'s phone shows into the page of the waiting device.
    pub async fn approve(&mut self, member: &str, comparison_code: &str) -> Result<()> {
        self.secrets.note("comparison code", comparison_code)?;
        let fields = [("comparison_code", comparison_code)];
        let page = self.act_on_device(member, "approve", &fields).await?;
        page.expect("/admin/devices")?
            .between("The device is approved.", "<")
            .map(|_| ())
            .doing("the page does not say that the device is approved")
    }

    /// Revokes `member`'s device.
    pub async fn revoke(&mut self, member: &str) -> Result<()> {
        let page = self.act_on_device(member, "revoke", &[("reason", "the demo ends")]).await?;
        page.expect("/admin/devices")?
            .between("The device is revoked", "<")
            .map(|_| ())
            .doing("the page does not say that the device is revoked")
    }

    async fn act_on_device(&mut self, member: &str, act: &str, fields: &[(&str, &str)]) -> Result<Page> {
        let page = self.admin.get("/admin/devices").await?.expect("/admin/devices")?;
        let missing = format!("no device of {member} can be brought to: {act}");
        // The form or the link that stands behind the member's name, in the table or, while the device waits, above it.
        let form = format!("/{act}\"");
        let behind = |name: String| page.html.split_once(&name)?.1.split_once(&form).map(|(head, _)| head);
        let end = behind(format!("{member}</a></td>")).or_else(|| behind(format!("{member} ·"))).doing(&missing)?;
        let (_, device) = end.rsplit_once("\"/admin/devices/").doing(&missing)?;
        let path = format!("/admin/devices/{device}/{act}");
        let answered = self.admin.post(&path, fields).await?;
        if !answered.path.starts_with("/code") {
            return Ok(answered);
        }
        // A weighty act wants a code that was accepted within the last ten minutes.
        let authenticator = self.admin_authenticator.as_mut().doing("the admin has no authenticator")?;
        let code = authenticator.fresh_code(&self.clock).await?;
        self.admin.post("/code", &[("code", &code), ("next", &answered.next())]).await?.expect("/admin/devices")?;
        self.admin.post(&path, fields).await
    }

    /// The admin's own page says of everybody what this demo will say of them.
    async fn check_states(&mut self) -> Result<()> {
        let page = self.admin.get("/admin/users").await?.expect("/admin/users")?;
        for person in &PEOPLE {
            let (column, wanted) = match person.state {
                PersonState::Admin | PersonState::SetUp => ("2FA status", "Set up"),
                PersonState::NotSetUp | PersonState::Walked => ("2FA status", "Not set up"),
                PersonState::SettingUp => ("2FA status", "Setting up"),
                PersonState::Suspended => ("2FA status", "Suspended"),
            };
            let (_, row) = page.html.split_once(person.email).doing(format!("{} is not listed", person.name))?;
            let cell =
                row.split_once(&format!("data-label=\"{column}\">")).and_then(|(_, rest)| rest.split_once("</td>"));
            if !cell.is_some_and(|(cell, _)| cell.contains(wanted)) {
                return Err(Fault(format!("{} should be “{wanted}” on the users page and is not", person.name)));
            }
        }
        Ok(())
    }

    async fn bring_to_state(&mut self, place: &PortalPlace, person: &Person) -> Result<()> {
        match person.state {
            PersonState::Admin | PersonState::NotSetUp | PersonState::Walked => Ok(()),
            PersonState::SettingUp => {
                let mut browser = Browser::open(&place.url(), place.root_pem().as_bytes(), &self.secrets)?;
                sign_in(&mut browser, person).await?.expect("/set-up")?;
                shown_key(&browser.post("/set-up", &[]).await?, &self.secrets)?;
                Ok(())
            }
            PersonState::SetUp => {
                let mut browser = Browser::open(&place.url(), place.root_pem().as_bytes(), &self.secrets)?;
                sign_in(&mut browser, person).await?.expect("/set-up")?;
                let authenticator = set_up(&mut browser, &self.clock, &self.secrets).await?;
                self.commands.push((person.email, authenticator.command()));
                Ok(())
            }
            PersonState::Suspended => {
                let page = self.admin.get("/admin/users").await?.expect("/admin/users")?;
                let (before, _) = page.html.split_once(person.email).doing("the suspended one is not listed")?;
                let (_, link) = before.rsplit_once("href=\"/admin/users/").doing("the suspended one has no page")?;
                let profile = format!("/admin/users/{}", link.split('"').next().unwrap_or_default());
                self.admin.post(&format!("{profile}/suspend"), &[]).await?.expect(&profile)?;
                Ok(())
            }
        }
    }

    async fn set_up(&mut self, person: &Person) -> Result<Authenticator> {
        let page = self.admin.get("/files").await?;
        if !page.path.starts_with("/set-up") {
            return Err(Fault(format!("{} is not led to the set-up but to {}", person.name, page.path)));
        }
        set_up(&mut self.admin, &self.clock, &self.secrets).await
    }
}

async fn sign_in(browser: &mut Browser, person: &Person) -> Result<Page> {
    browser.get("/sign-in").await?.expect("/sign-in")?;
    browser.post("/sign-in", &[("name", person.email), ("password", person.password)]).await
}

async fn set_up(browser: &mut Browser, clock: &dyn Clock, secrets: &Secrets) -> Result<Authenticator> {
    let page = browser.post("/set-up", &[]).await?;
    let mut authenticator = Authenticator::typed(&shown_key(&page, secrets)?, secrets)?;
    let code = authenticator.fresh_code(clock).await?;
    let page = browser.post("/set-up/confirm", &[("code", &code)]).await?.expect("/set-up/confirm")?;
    let codes = page.between("<ul class=\"codes mono\">", "</ul>").doing("the page shows no recovery codes")?;
    for code in codes.split("<li>").skip(1).filter_map(|rest| rest.split('<').next()) {
        secrets.note("recovery code", code)?;
    }
    let field = |name| page.field(name).doing("the page of the recovery codes has no such field");
    let saved =
        [("issued_ms", field("issued_ms")?), ("next", field("next")?), ("done", field("done")?), ("saved", "yes")];
    browser.post("/account/recovery-codes/saved", &saved).await?.expect("/set-up/done")?;
    Ok(authenticator)
}

fn shown_key(page: &Page, secrets: &Secrets) -> Result<String> {
    let key = page.between("<p class=\"key mono\">", "</p>").doing("the set-up page shows no key")?.trim().to_owned();
    secrets.note("totp key", &key)?;
    secrets.note("totp key", &key.replace(' ', ""))?;
    Ok(key)
}
