//! The npm package `oidc-provider` as a process, and a portal that signs in by it.

use crate::support::program::Served;
use crate::support::*;
use crate::tab::Tab;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

pub const CLIENT_ID: &str = "twinlock-portal";
pub const CLIENT_SECRET: &str = "a client secret+that/must:not=leak";
pub const CALLBACK: &str = "https://portal.test/sign-in/sso/callback";
/// The context that counts as MFA where a test asks for it by `acr`.
pub const ACR: &str = "urn:example:two-factors";

/// A root, and a certificate of it for `localhost`.
pub struct Certificates {
    pub root: String,
    pub chain: String,
    pub key: String,
}

impl Certificates {
    pub fn make() -> Self {
        let mut root = CertificateParams::new(Vec::<String>::new()).unwrap();
        root.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let root = CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &root).unwrap();
        Self { root: root.pem(), chain: leaf.pem(), key: key.serialize_pem() }
    }
}

/// The provider's process; it ends with this value.
pub struct Provider {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    pub issuer: String,
    pub root: String,
}

impl Provider {
    pub fn start(users: &Value) -> Self {
        let folder = installed();
        let mut command = Command::new("node");
        command.arg("provider.js").current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().expect("node is missing; install nodejs and npm");
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let certificates = Certificates::make();
        let mut provider = Self { child, input, output, issuer: String::new(), root: certificates.root };
        let client = json!({ "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "redirect_uris": [CALLBACK] });
        let settings = json!({
            "certificate": certificates.chain, "key": certificates.key, "clients": [client], "users": users
        });
        provider.issuer = provider.tell(&settings)["issuer"].as_str().unwrap().to_owned();
        provider
    }

    /// From now on the provider knows these people, and says this of them.
    pub fn change_users(&mut self, users: &Value) {
        self.tell(&json!({ "users": users }));
    }

    /// New signing keys; the old ones are gone.
    pub fn rotate_keys(&mut self) {
        self.tell(&json!({ "rotate": true }));
    }

    pub fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn tell(&mut self, said: &Value) -> Value {
        writeln!(self.input, "{said}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("the provider ended: {}", self.complaint()))
    }

    fn complaint(&mut self) -> String {
        let _ = self.child.kill();
        let mut text = String::new();
        let _ = std::io::Read::read_to_string(self.child.stderr.as_mut().unwrap(), &mut text);
        text
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The folder with the provider's packages, as its lockfile has them; brought once for a test program.
fn installed() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("provider");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("provider");
        std::fs::create_dir_all(&folder).unwrap();
        let lock = std::fs::read(source.join("package-lock.json")).unwrap();
        let mark = folder.join("installed-lock.json");
        for name in ["package.json", "package-lock.json", "provider.js"] {
            std::fs::copy(source.join(name), folder.join(name)).unwrap();
        }
        if std::fs::read(&mark).is_ok_and(|mark| mark == lock) {
            return folder;
        }
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder);
        let output = npm.output().expect("npm is missing; install nodejs and npm");
        assert!(output.status.success(), "npm ci: {}", String::from_utf8_lossy(&output.stderr));
        std::fs::write(mark, lock).unwrap();
        folder
    })
}

/// The real portal, the real provider, and the operator who made them know each other.
pub struct Stage {
    pub world: World,
    pub provider: Provider,
    pub portal: Served,
}

impl Stage {
    /// `settings` are more arguments of `admin sso set`.
    pub async fn start(users: &Value, settings: &[&str]) -> Self {
        let (world, provider) = (World::new(), Provider::start(users));
        set(&world, &provider.issuer, settings);
        let roots = world.folder.path().join("provider-roots.pem");
        std::fs::write(&roots, &provider.root).unwrap();
        let settings = [("TWINLOCK_PROVIDER_ROOTS", roots.to_str().unwrap())];
        let portal = Served::start_with(&world, &settings).await;
        Self { world, provider, portal }
    }

    /// A browser that has never been here.
    pub fn tab(&self) -> Tab {
        Tab::new(self.portal.door.clone(), &self.provider.root)
    }

    /// Where the organisation's sign-in begins.
    pub fn entrance(&self) -> String {
        format!("/sign-in/sso/{}", self.world.organisation)
    }

    /// Ada with two-step required from everybody and her own set up.
    pub async fn enforced(&self) -> Browser {
        let mut ada = self.portal.browser();
        ada.enforce().await;
        ada
    }

    /// Signs in at the provider, in a new browser, and comes back to the portal's answer.
    pub async fn sign_in(&self, login: &str) -> (Tab, Answer) {
        let mut tab = self.tab();
        let answer = tab.sign_in(&self.entrance(), login).await;
        (tab, answer)
    }

    /// What the admin's list says of a member.
    pub async fn status(&self, ada: &mut Browser, email: &str) -> Value {
        let list: Value = ada.get("/v1/admin/members").await.json();
        let members = list["members"].as_array().unwrap();
        members.iter().find(|member| member["email"] == email).unwrap().clone()
    }

    pub fn sessions(&self) -> String {
        self.world.sql("SELECT count(*) FROM session")
    }
}

/// What the operator types; returns what the portal said.
pub fn set(world: &World, issuer: &str, settings: &[&str]) -> String {
    let secret = world.folder.path().join("client-secret");
    std::fs::write(&secret, format!("{CLIENT_SECRET}\n")).unwrap();
    let mut arguments = vec!["admin", "sso", "set", &world.organisation, "--issuer", issuer, "--client-id", CLIENT_ID];
    arguments.extend(["--client-secret-file", secret.to_str().unwrap()]);
    arguments.extend(settings);
    world.run(&arguments, "")
}

/// Somebody at the provider with a verified address, for whom it asserts these methods.
pub fn person(email: &str, amr: &[&str]) -> Value {
    json!({ "email": email, "email_verified": true, "amr": amr })
}
