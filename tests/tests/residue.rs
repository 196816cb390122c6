//! What is left in this process's own memory after a PIN was typed: nothing of it. The portal is another process.
//!
//! The scan reads `/proc/self/mem`. What it looks for is kept in a masked form only, or it would find itself; it has to find
//! what is planted for it. It looks at the heap: what a thread's stack keeps for a while is overwritten by the next call, and
//! what the JVM and Swift copy is theirs (docs/security/pin.md).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "support/handset.rs"]
mod handset;
mod support;

use handset::Handset;
use ring::{aead, hmac};
use std::io::{Read, Seek, SeekFrom};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use support::program::Served;
use support::*;
use twinlock_core::Error;
use twinlock_core::engine::{Engine, EngineConfig, Ports};
use twinlock_core::pin::{Blinding, Owner, Pin, PinDigits, ShareInput, ShareSeed, StretchMemory};
use twinlock_core::ports::{DeviceKey, KeyLevel, PinKeyKind, PortError};
use twinlock_core::sealed::SealedFile;
use twinlock_core::secret::SecretBytes;
use twinlock_core::step::Step;
use twinlock_core::testing::{MemoryDeviceKey, MemoryStore};
use twinlock_portal::key_wrap::{FileKeyWrap, KeyWrap};

const MASK: u8 = 0xa5;
/// Twelve digits, masked: nowhere in this process do they stand as themselves before they are typed.
const MASKED_PIN: [u8; 12] = [0x91, 0x95, 0x97, 0x9c, 0x90, 0x9d, 0x94, 0x92, 0x96, 0x9d, 0x91, 0x93];

fn mask(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| byte ^ MASK).collect()
}

fn typed() -> Pin {
    let mut keypad = PinDigits::new();
    MASKED_PIN.iter().for_each(|digit| keypad.push_digit(digit ^ MASK).unwrap());
    keypad.submit().unwrap()
}

/// Something to look for.
struct Needle {
    name: &'static str,
    masked: Vec<u8>,
}

impl Needle {
    fn new(name: &'static str, masked: Vec<u8>) -> Self {
        assert!(masked.len() >= 12, "{name} is too short to be told from chance");
        Self { name, masked }
    }
}

/// Names of what is found in this process's heap, each as often as it is found.
fn scan(needles: &[Needle]) -> Vec<&'static str> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mut memory = std::fs::File::open("/proc/self/mem").unwrap();
    let mut found = Vec::new();
    let (mut scanned, mut before) = (0, (0, 0, String::new()));
    for line in maps.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (start, end) = fields[0].split_once('-').unwrap();
        let (start, end) = (u64::from_str_radix(start, 16).unwrap(), u64::from_str_radix(end, 16).unwrap());
        let (access, path) = (fields[1], fields.get(5).copied().unwrap_or_default());
        // A thread's stack stands on a guard page; what malloc reserves for later is larger.
        let (guard_start, guard_end, guard_access) = before;
        let is_stack = guard_end == start && guard_access == "---p" && guard_end - guard_start <= 4096;
        before = (start, end, access.to_owned());
        if access.starts_with("rw") && (path.is_empty() || path == "[heap]") && !is_stack {
            let mut bytes = zeroize::Zeroizing::new(vec![0; usize::try_from(end - start).unwrap()]);
            memory.seek(SeekFrom::Start(start)).unwrap();
            if memory.read_exact(&mut bytes).is_ok() {
                scanned += bytes.len();
                find(&bytes, needles, &mut found);
            }
        }
    }
    assert!(scanned > 1 << 20, "there is no heap: {scanned}");
    found
}

fn find(bytes: &[u8], needles: &[Needle], found: &mut Vec<&'static str>) {
    let mut begins = [false; 256];
    needles.iter().for_each(|needle| begins[usize::from(needle.masked[0] ^ MASK)] = true);
    for (at, byte) in bytes.iter().enumerate() {
        if !begins[usize::from(*byte)] {
            continue;
        }
        for needle in needles {
            let window = bytes.get(at..at + needle.masked.len());
            let is_it = |window: &[u8]| window.iter().zip(&needle.masked).all(|(byte, masked)| byte ^ MASK == *masked);
            if window.is_some_and(is_it) {
                found.push(needle.name);
            }
        }
    }
}

/// The chip, which sees the stretched PIN and answers: both are noted, masked.
struct NotingKey {
    inner: Arc<MemoryDeviceKey>,
    noted: Mutex<(Vec<u8>, Vec<u8>)>,
}

impl DeviceKey for NotingKey {
    fn generate(&self, account: &str) -> Result<Vec<u8>, PortError> {
        self.inner.generate(account)
    }
    fn sign(&self, account: &str, message: &[u8]) -> Result<Vec<u8>, PortError> {
        self.inner.sign(account, message)
    }
    fn pin_key_kind(&self, account: &str) -> Result<PinKeyKind, PortError> {
        self.inner.pin_key_kind(account)
    }
    fn bind_guess(&self, account: &str, guess: &[u8]) -> Result<SecretBytes, PortError> {
        let answer = self.inner.bind_guess(account, guess)?;
        *self.noted.lock().unwrap() = (mask(&guess[guess.len() - 32..]), mask(answer.expose()));
        Ok(answer)
    }
    fn delete(&self, account: &str) -> Result<(), PortError> {
        self.inner.delete(account)
    }
    fn level(&self, account: &str) -> Result<KeyLevel, PortError> {
        self.inner.level(account)
    }
}

/// What another process found out about the file with everything that there is, masked.
fn secrets_of(file: &[u8], seed: &[u8], hardware: &[u8]) -> Vec<Needle> {
    let input = [file, seed, hardware].map(|bytes| data_encoding::HEXLOWER.encode(bytes)).join("\n");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_other_process", "--nocapture", "--test-threads=1"])
        .env("RESIDUE_OTHER", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let masked = |name: &str| {
        let (_, rest) = text.split_once(&format!("{name}=")).unwrap_or_else(|| panic!("{text}"));
        data_encoding::HEXLOWER.decode(rest.split_whitespace().next().unwrap().as_bytes()).unwrap()
    };
    ["stretched", "input", "share", "key", "activated", "vault"].map(|name| Needle::new(name, masked(name))).into()
}

/// Not a test of its own: derives everything, in a process that ends right after.
#[test]
fn the_other_process() {
    if std::env::var_os("RESIDUE_OTHER").is_none() {
        return;
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).unwrap();
    let parts: Vec<Vec<u8>> =
        text.lines().map(|line| data_encoding::HEXLOWER.decode(line.as_bytes()).unwrap()).collect();
    let (bytes, seed, hardware) = (&parts[0], &parts[1], mask(&parts[2]));
    let file = SealedFile::parse(bytes).unwrap();
    let (header, random) = (file.header(), ring::rand::SystemRandom::new());
    let (owner, epoch): (&Owner, u32) = (header.owner(), header.epoch());
    let mut memory = StretchMemory::allocate(header.parameters()).unwrap();
    let stretched = memory.stretch(&typed(), owner, epoch, header.salt(), header.parameters()).unwrap();
    let portal = ShareSeed::from_bytes(seed).unwrap().derive_key(owner, epoch).unwrap();
    let blinding = Blinding::new(ShareInput::derive(owner, epoch, &stretched), &random).unwrap();
    let evaluation = portal.evaluate(&blinding.element(), &random).unwrap();
    let share = blinding.finalize(&evaluation, header.portal_key()).unwrap();
    let epoch_bytes = epoch.to_be_bytes();
    let (organisation, device) = (owner.organisation().as_bytes(), owner.device().as_bytes());
    let input = framed(&[b"twinlock/oprf-in/v1", organisation, device, &epoch_bytes, stretched.expose()]);
    let input = ring::digest::digest(&ring::digest::SHA512, &input);
    // HKDF and the cipher by another library than core's.
    let sign = |key: &[u8], text: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec();
    let prk = sign(header.salt(), &framed(&[share.expose(), &hardware]));
    let key = sign(&prk, &[framed(&[b"twinlock/seal/v1", device, &epoch_bytes]), vec![1]].concat());
    let (content, sealed) = bytes.split_at(bytes.len() - 32 - 92);
    let (nonce, sealed) = sealed[..92].split_at(12);
    let mut plain = sealed.to_vec();
    let cipher = aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_256_GCM, &key).unwrap());
    let nonce = aead::Nonce::try_assume_unique_for_key(nonce).unwrap();
    cipher.open_in_place(nonce, aead::Aad::from(&content[..content.len() - 32]), &mut plain).unwrap();
    let show = |name: &str, bytes: &[u8]| println!("{name}={}", data_encoding::HEXLOWER.encode(&mask(bytes)));
    show("stretched", stretched.expose());
    show("input", input.as_ref());
    show("share", share.expose());
    show("key", &key);
    show("activated", &plain[..32]);
    show("vault", &plain[32..64]);
}

fn framed(parts: &[&[u8]]) -> Vec<u8> {
    parts.iter().flat_map(|part| [&u32::try_from(part.len()).unwrap().to_be_bytes()[..], part].concat()).collect()
}

/// The phone's engine over the noting chip, on the phone that was enrolled without it.
fn engine(handset: &Handset, chip: Arc<NotingKey>) -> Engine {
    let config = EngineConfig {
        account: handset.account.clone(),
        authority: AUTHORITY.to_owned(),
        device_name: "Bo's phone".to_owned(),
        model: "Testfon 3".to_owned(),
        system: "Android 17".to_owned(),
        app_version: "1.0.0".to_owned(),
        surface: twinlock_core::policy::Surface::Phone,
    };
    let (store, clock, transport) = (handset.store.clone(), handset.clock.clone(), handset.transport.clone());
    Engine::new(config, Ports { device_key: chip, store, clock, transport })
}

#[tokio::test(flavor = "multi_thread")]
async fn f76_after_submit_nothing_of_the_pin_is_left_in_memory() {
    let world = World::new();
    let served = Served::start(&world).await;
    let mut ada = served.browser();
    ada.enforce().await;
    let (store, keys) = (Arc::new(MemoryStore::new()), Arc::new(MemoryDeviceKey::new()));
    let clock = Arc::new(SystemTimeClock);
    let mut handset = Handset::over(served.door.clone(), clock, "account", BO, keys.clone(), store.clone());
    handset.enroll(&mut ada).await;
    let chip = Arc::new(NotingKey { inner: keys, noted: Mutex::default() });
    let engine = engine(&handset, chip.clone());
    assert!(matches!(engine.open(), Ok(Step::CreatePin(_))));
    engine.submit_pin(typed()).await.unwrap();
    assert_eq!(engine.submit_pin(typed()).await, Ok(Step::Ready));
    engine.vault_put("item", SecretBytes::new(vec![1])).unwrap();
    engine.lock();
    assert_eq!(engine.submit_pin(typed()).await, Ok(Step::Ready));

    let (stretched, hardware) = chip.noted.lock().unwrap().clone();
    let file = store.blobs()[&handset.blob("pin.1")].clone();
    let device = handset.account()["device"].as_str().unwrap().to_owned();
    let place = format!("twinlock/pin-seed/v1\0{}\0{device}\01", world.organisation);
    let sealed = data_encoding::HEXUPPER.decode(world.sql("SELECT hex(seed_sealed) FROM pin").as_bytes()).unwrap();
    let wrap = FileKeyWrap::open_or_create(&world.key_file()).unwrap();
    let seed = wrap.open(1, &sealed, place.as_bytes()).unwrap();
    let mut needles = secrets_of(&file, seed.expose(), &hardware);
    assert_eq!(needles[0].masked, stretched, "both processes mean the same");
    needles.push(Needle::new("PIN", MASKED_PIN.to_vec()));

    // While it is open the vault's key has to be somewhere, and nothing else of all this.
    let found = scan(&needles);
    assert!(found.contains(&"vault"), "the scan does not find what is there");
    assert!(found.iter().all(|name| *name == "vault"), "{found:?}");
    engine.lock();
    assert_eq!(scan(&needles), [""; 0], "after the lock nothing at all");
    // Each of them is found where it is planted.
    for needle in &needles {
        let planted = zeroize::Zeroizing::new(mask(&needle.masked));
        // More than once: the scan copies what it reads, and may come past its own copy.
        let found = scan(&needles);
        assert!(!found.is_empty() && found.iter().all(|name| *name == needle.name), "{}: {found:?}", needle.name);
        drop(planted);
    }
    // A PIN that is typed and never submitted, one that is refused, one that is repeated wrongly, and one that is wrong.
    assert!(matches!(engine.submit_pin(typed_with(1)).await, Err(Error::WrongPin { .. })));
    assert_eq!(engine.submit_pin(typed()).await, Ok(Step::Ready));
    assert!(matches!(engine.change_pin(), Ok(Step::ChangePin(_))));
    engine.submit_pin(typed()).await.unwrap();
    assert_eq!(engine.submit_pin(typed_with(1)).await, Err(Error::PinMismatch));
    engine.lock();
    needles.push(Needle::new("wrong PIN", masked_with(1)));
    assert_eq!(scan(&needles), [""; 0]);
}

/// Another PIN: the last digit is another.
fn masked_with(step: u8) -> Vec<u8> {
    let mut masked = MASKED_PIN.to_vec();
    let last = masked.last_mut().unwrap();
    *last = (*last ^ MASK).wrapping_add(step) ^ MASK;
    masked
}

fn typed_with(step: u8) -> Pin {
    let mut keypad = PinDigits::new();
    masked_with(step).iter().for_each(|digit| keypad.push_digit(digit ^ MASK).unwrap());
    keypad.submit().unwrap()
}
