//! A thief who tries every PIN of a small space with what he has got hold of: the phone's whole store, the portal's whole
//! database, its key file, the chip as an oracle. With all of it he finds the PIN; with anything less he has nothing to test
//! a guess against, and the portal counts what he asks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "support/handset.rs"]
mod handset;
mod support;

use handset::{Handset, PIN, Scene, pin};
use ring::rand::SystemRandom;
use serde_json::Value;
use std::collections::BTreeMap;
use support::phone::By;
use support::*;
use twinlock_core::pin::{
    BlindedElement, Blinding, Evaluation, Owner, PinKey, PortalShare, ShareInput, ShareKey, SharePublicKey, ShareSeed,
    StretchMemory, Stretched, hardware_guess,
};
use twinlock_core::ports::{DeviceKey, PinKeyKind};
use twinlock_core::sealed::{Opened, SealedFile};
use twinlock_core::secret::SecretBytes;
use twinlock_core::step::Step;
use twinlock_core::wire::{Bytes, PinPrepareEvaluate, PinPrepareEvaluated, PinPrepared};
use twinlock_portal::key_wrap::{FileKeyWrap, KeyWrap};

/// The space: small, so that every PIN of it is tried, with the right one in it.
fn space() -> Vec<String> {
    let mut space: Vec<String> = (0..24).map(|n| format!("{:06}", (n * 41_389 + 102_938) % 1_000_000)).collect();
    space.insert(17, PIN.to_owned());
    space
}

/// What the thief has.
struct Loot<'a> {
    file: SealedFile,
    owner: Owner,
    epoch: u32,
    /// Whatever might be the key to the portal's share: real or guessed.
    share_keys: Vec<ShareKey>,
    chip: Option<(&'a dyn DeviceKey, &'a str)>,
    /// Bytes that lie about and might be the chip's answer.
    lying_about: Vec<Vec<u8>>,
}

impl Loot<'_> {
    /// Every PIN that opens the file.
    fn attack(&self) -> Vec<String> {
        let parameters = self.file.header().parameters();
        let mut memory = StretchMemory::allocate(parameters).unwrap();
        let mut found = Vec::new();
        for guess in space() {
            let salt = self.file.header().salt();
            let stretched = memory.stretch(&pin(&guess), &self.owner, self.epoch, salt, parameters).unwrap();
            if self.opens(&stretched) {
                found.push(guess);
            }
        }
        found
    }

    fn opens(&self, stretched: &Stretched) -> bool {
        let answers = self.answers(stretched);
        self.share_keys.iter().any(|key| {
            let share = self.share(stretched, key);
            answers.iter().any(|answer| {
                let key = PinKey::derive(&self.owner, self.epoch, self.file.header().salt(), &share, answer).unwrap();
                matches!(self.file.open(&key), Ok(Opened::Payload(_)))
            })
        })
    }

    fn share(&self, stretched: &Stretched, key: &ShareKey) -> PortalShare {
        let input = ShareInput::derive(&self.owner, self.epoch, stretched);
        let blinding = Blinding::new(input, &SystemRandom::new()).unwrap();
        let evaluation = key.evaluate(&blinding.element(), &SystemRandom::new()).unwrap();
        blinding.finalize(&evaluation, &key.public_key()).unwrap()
    }

    fn answers(&self, stretched: &Stretched) -> Vec<SecretBytes> {
        if let Some((chip, account)) = self.chip {
            let guess = hardware_guess(stretched, chip.pin_key_kind(account).unwrap()).unwrap();
            return vec![chip.bind_guess(account, guess.expose()).unwrap()];
        }
        let mut answers: Vec<Vec<u8>> = vec![vec![0; 32], stretched.expose().to_vec()];
        for kind in [PinKeyKind::Mac, PinKeyKind::Agreement] {
            let guess = hardware_guess(stretched, kind).unwrap();
            answers.push(ring::digest::digest(&ring::digest::SHA256, guess.expose()).as_ref().to_vec());
            // A MAC under everything that was found.
            for key in &self.lying_about {
                let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key);
                answers.push(ring::hmac::sign(&key, guess.expose()).as_ref().to_vec());
            }
        }
        answers.extend(self.lying_about.clone());
        answers.into_iter().map(SecretBytes::new).collect()
    }
}

/// A phone with a PIN and something in its vault, the files of which were copied.
struct Scenario {
    scene: Scene,
    handset: Handset,
    blobs: BTreeMap<String, Vec<u8>>,
}

impl Scenario {
    async fn stage(kind: PinKeyKind) -> Self {
        let mut scene = Scene::start().await;
        let mut handset = Handset::new(&scene.portal, BO, kind);
        scene.lead_to(&mut handset, &Step::Ready).await;
        handset.engine.vault_put("patient", SecretBytes::new(b"secret".to_vec())).unwrap();
        let blobs = handset.blobs();
        Self { scene, handset, blobs }
    }

    fn loot(&self) -> Loot<'_> {
        let file = SealedFile::parse(&self.blobs[&self.handset.blob("pin.1")]).unwrap();
        let (owner, epoch) = (file.header().owner().clone(), file.header().epoch());
        Loot { file, owner, epoch, share_keys: Vec::new(), chip: None, lying_about: Vec::new() }
    }

    fn chip(&self) -> Option<(&dyn DeviceKey, &str)> {
        Some((self.handset.keys.as_ref(), self.handset.account.as_str()))
    }

    /// Every 32 bytes of `bytes`, each as a seed.
    fn keys_from(loot: &Loot<'_>, bytes: &[u8]) -> Vec<ShareKey> {
        let seeds = bytes.windows(32).map(|window| ShareSeed::from_bytes(window).unwrap());
        seeds.map(|seed| seed.derive_key(&loot.owner, loot.epoch).unwrap()).collect()
    }

    fn blob(&self, column: &str) -> Vec<u8> {
        let hex = self.scene.portal.world.sql(&format!("SELECT hex({column}) FROM pin"));
        data_encoding::HEXUPPER.decode(hex.as_bytes()).unwrap()
    }

    /// What the key file is good for.
    fn opened_seed(&self, loot: &Loot<'_>) -> Vec<ShareKey> {
        let wrap = FileKeyWrap::open_or_create(&self.scene.portal.world.key_file()).unwrap();
        let place =
            format!("twinlock/pin-seed/v1\0{}\0{}\0{}", loot.owner.organisation(), loot.owner.device(), loot.epoch);
        let seed = wrap.open(1, &self.blob("seed_sealed"), place.as_bytes()).unwrap();
        vec![ShareSeed::from_bytes(seed.expose()).unwrap().derive_key(&loot.owner, loot.epoch).unwrap()]
    }
}

/// The control: the attack is a real one, and finds the PIN as soon as nothing is missing.
#[tokio::test(flavor = "multi_thread")]
async fn with_the_files_the_portals_key_and_the_chip_every_guess_can_be_tested() {
    for kind in [PinKeyKind::Mac, PinKeyKind::Agreement] {
        let staged = Scenario::stage(kind).await;
        let mut loot = staged.loot();
        loot.share_keys = staged.opened_seed(&loot);
        assert_eq!(&loot.share_keys[0].public_key(), loot.file.header().portal_key());
        loot.chip = staged.chip();
        assert_eq!(loot.attack(), [PIN]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_the_phones_whole_store_gives_nothing_to_test_a_guess_against() {
    let staged = Scenario::stage(PinKeyKind::Mac).await;
    let mut loot = staged.loot();
    loot.lying_about = staged.blobs.values().flat_map(|bytes| bytes.chunks_exact(32).map(<[u8]>::to_vec)).collect();
    let header = &staged.blobs[&staged.handset.blob("pin.1")];
    loot.share_keys = Scenario::keys_from(&loot, &header[..64]);
    loot.share_keys.truncate(4);
    assert!(loot.lying_about.len() > 8);
    assert_eq!(loot.attack(), [""; 0]);
    // Nor does the chip alone help: no portal, no share.
    loot.chip = staged.chip();
    loot.lying_about.clear();
    loot.share_keys = staged.blobs.values().flat_map(|bytes| Scenario::keys_from(&staged.loot(), bytes)).collect();
    assert!(loot.share_keys.iter().all(|key| &key.public_key() != loot.file.header().portal_key()));
    loot.share_keys.truncate(16);
    assert_eq!(loot.attack(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn b_the_portals_whole_database_without_its_key_file_gives_nothing() {
    let staged = Scenario::stage(PinKeyKind::Mac).await;
    // A try is open, so that an element and its answer lie there too.
    staged.handset.engine.lock();
    staged.handset.transport.expect("/v1/pin/prove", twinlock_core::testing::Fate::Drop);
    staged.handset.enter(PIN).await.unwrap_err();
    let columns = ["seed_sealed", "activated_key", "attempt_element", "attempt_answer", "attempt_challenge"]
        .map(|column| staged.blob(column));
    assert!(columns.iter().all(|bytes| !bytes.is_empty()));
    // To be generous: the thief may compare with what the phone pinned, and has the phone's chip.
    let mut loot = staged.loot();
    let keys: Vec<ShareKey> = columns.iter().flat_map(|bytes| Scenario::keys_from(&loot, bytes)).collect();
    assert!(keys.len() > 100);
    assert!(keys.iter().all(|key| &key.public_key() != loot.file.header().portal_key()), "the seed lies there open");
    loot.share_keys = keys.into_iter().step_by(16).collect();
    loot.chip = staged.chip();
    assert_eq!(loot.attack(), [""; 0]);
    // Whoever knows the element of a try cannot tell of which guess it is: the same guess gives another one each time.
    let elements: Vec<Vec<u8>> = (0..2).map(|_| blinded(&staged)).collect();
    assert_ne!(elements[0], elements[1]);
}

fn blinded(staged: &Scenario) -> Vec<u8> {
    let loot = staged.loot();
    let parameters = loot.file.header().parameters();
    let mut memory = StretchMemory::allocate(parameters).unwrap();
    let stretched = memory.stretch(&pin(PIN), &loot.owner, loot.epoch, loot.file.header().salt(), parameters).unwrap();
    let input = ShareInput::derive(&loot.owner, loot.epoch, &stretched);
    Blinding::new(input, &SystemRandom::new()).unwrap().element().as_bytes().to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn c_both_with_the_key_file_still_lack_the_chip() {
    for kind in [PinKeyKind::Mac, PinKeyKind::Agreement] {
        let staged = Scenario::stage(kind).await;
        let mut loot = staged.loot();
        loot.share_keys = staged.opened_seed(&loot);
        loot.lying_about = staged.blobs.values().flat_map(|bytes| bytes.chunks_exact(32).map(<[u8]>::to_vec)).collect();
        for column in ["activated_key", "attempt_challenge"] {
            loot.lying_about.extend(staged.blob(column).chunks_exact(32).map(<[u8]>::to_vec));
        }
        assert_eq!(loot.attack(), [""; 0]);
    }
}

/// The device key in the thief's hands: whatever he does with set and change, the active seed evaluates what was counted.
#[tokio::test(flavor = "multi_thread")]
async fn d_set_and_change_are_no_uncounted_oracle() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let mut bo = portal.phone();
    bo.sign_in(BO).await;
    bo.set_up().await;
    bo.enroll().await;
    ada.approve(&bo).await.expect(204);
    let owner = Owner::new(&bo.organisation, &bo.device_id()).unwrap();
    let parameters = twinlock_core::pin::StretchParameters::new(19 * 1024, 2, 1).unwrap();
    let mut memory = StretchMemory::allocate(parameters).unwrap();
    let stretched = memory.stretch(&pin(PIN), &owner, 1, &[7; 16], parameters).unwrap();
    let mut oracle = Oracle { owner, stretched, keys: Vec::new(), shares: Vec::new() };

    // Before there is a PIN: each preparation is a key of its own and answers once.
    for _ in 0..5 {
        assert!(oracle.ask(&bo, By::Device).await);
    }
    assert_eq!(oracle.distinct(), (5, 5));
    let committed: PinPrepared = oracle.prepare(&bo, By::Device).await.unwrap();
    bo.evaluate_prepared(By::Device, committed.epoch, &support::phone::new_key()).await.expect(200);
    bo.commit_pin(By::Device, &committed).await.expect(200);
    let active = SharePublicKey::from_bytes(&committed.portal_key.0).unwrap();
    oracle.keys.clear();
    oracle.shares.clear();

    // There is one: the device key alone gets nothing.
    assert!(oracle.prepare(&bo, By::Device).await.is_none());
    let stale = PinPrepareEvaluate { epoch: committed.epoch, element: oracle.element() };
    bo.post(By::Device, "/v1/pin/prepare/evaluate", &stale).await.expect_problem(409, "TL-5006");
    // With an open phone too, only keys that open nothing.
    for _ in 0..5 {
        assert!(oracle.ask(&bo, By::Session).await);
    }
    assert_eq!(oracle.distinct(), (5, 5));
    assert!(!oracle.keys.contains(&active.as_bytes().to_vec()), "the active seed answered uncounted");
    assert_eq!(portal.world.audited("pin.try_counted"), 0);
    // And the one way to the active seed counts.
    for counted in 1..=2 {
        let blinding = oracle.blinding();
        let body = twinlock_core::wire::PinEvaluate {
            epoch: committed.epoch,
            attempt: bo.next_attempt(),
            element: Bytes::from(blinding.element().as_bytes()),
        };
        let answer: Value = bo.post(By::Device, "/v1/pin/evaluate", &body).await.json();
        let text = answer["evaluation"].as_str().unwrap();
        let evaluation = Evaluation::from_bytes(&data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).unwrap());
        blinding.finalize(&evaluation.unwrap(), &active).unwrap();
        assert_eq!(portal.world.sql("SELECT fails FROM pin"), counted.to_string());
    }
}

struct Oracle {
    owner: Owner,
    stretched: Stretched,
    keys: Vec<Vec<u8>>,
    shares: Vec<Vec<u8>>,
}

impl Oracle {
    fn blinding(&self) -> Blinding {
        Blinding::new(ShareInput::derive(&self.owner, 1, &self.stretched), &SystemRandom::new()).unwrap()
    }

    fn element(&self) -> Bytes {
        Bytes::from(self.blinding().element().as_bytes())
    }

    async fn prepare(&self, phone: &Phone, by: By) -> Option<PinPrepared> {
        let answer = phone.post(by, "/v1/pin/prepare", &Value::Null).await;
        answer.status.is_success().then(|| answer.json())
    }

    /// One preparation, and as many evaluations as it gives; true if that is one.
    async fn ask(&mut self, phone: &Phone, by: By) -> bool {
        let prepared = self.prepare(phone, by).await.unwrap();
        let key = SharePublicKey::from_bytes(&prepared.portal_key.0).unwrap();
        let blinding = self.blinding();
        let element = BlindedElement::from_bytes(blinding.element().as_bytes()).unwrap();
        let body = PinPrepareEvaluate { epoch: prepared.epoch, element: Bytes::from(element.as_bytes()) };
        let answer: PinPrepareEvaluated = phone.post(by, "/v1/pin/prepare/evaluate", &body).await.json();
        let share = blinding.finalize(&Evaluation::from_bytes(&answer.evaluation.0).unwrap(), &key).unwrap();
        self.keys.push(prepared.portal_key.0);
        self.shares.push(share.expose().to_vec());
        let second = PinPrepareEvaluate { epoch: prepared.epoch, element: self.element() };
        !phone.post(by, "/v1/pin/prepare/evaluate", &second).await.status.is_success()
    }

    /// How many different keys answered, and with how many different shares of one guess.
    fn distinct(&self) -> (usize, usize) {
        let count = |list: &[Vec<u8>]| list.iter().collect::<std::collections::BTreeSet<_>>().len();
        (count(&self.keys), count(&self.shares))
    }
}
