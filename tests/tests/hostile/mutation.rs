//! Valid bodies, changed at random from a fixed seed.

use super::caller::{Caller, cast};
use super::route;
use super::support::*;
use super::verdict::assert_unharmed;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

const CASES: u32 = 4_000;

/// One change of a body; places wrap around at its end.
#[derive(Debug, Clone)]
enum Edit {
    Put(usize, u8),
    Insert(usize, Vec<u8>),
    Remove(usize, usize),
    Repeat(usize, usize),
}

/// What breaks parsers more often than chance does.
const PIECES: [&str; 20] = [
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "null",
    "true",
    "-",
    "0",
    "1e400",
    "18446744073709551615",
    "9223372036854775808",
    "-1",
    "\u{202e}",
    "A",
];

fn edit() -> impl Strategy<Value = Edit> {
    let piece = prop::sample::select(&PIECES[..]).prop_map(|piece| piece.as_bytes().to_vec());
    prop_oneof![
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Edit::Put(at, byte)),
        (any::<usize>(), piece).prop_map(|(at, piece)| Edit::Insert(at, piece)),
        (any::<usize>(), prop::collection::vec(any::<u8>(), 1..8)).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        (any::<usize>(), 1..40_usize).prop_map(|(at, length)| Edit::Remove(at, length)),
        (any::<usize>(), 1..40_usize).prop_map(|(at, length)| Edit::Repeat(at, length)),
    ]
}

fn apply(body: &mut Vec<u8>, edit: &Edit) {
    let place = |at: &usize, body: &[u8]| at % (body.len() + 1);
    match edit {
        Edit::Put(at, byte) => {
            let at = place(at, body).min(body.len().saturating_sub(1));
            body.splice(at..(at + 1).min(body.len()), [*byte]);
        }
        Edit::Insert(at, bytes) => {
            let at = place(at, body);
            body.splice(at..at, bytes.iter().copied());
        }
        Edit::Remove(at, length) => {
            let at = place(at, body);
            body.drain(at..(at + length).min(body.len()));
        }
        Edit::Repeat(at, length) => {
            let at = place(at, body);
            let again = body[at..(at + length).min(body.len())].to_vec();
            body.splice(at..at, again);
        }
    }
}

/// Sent by whoever gets as far as the parser; some of them are requests again, and none breaks anything.
#[test]
fn no_mutation_of_a_request_breaks_the_portal() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (portal, targets) = runtime.block_on(async {
        let portal = Portal::start();
        let cast = cast(&portal).await;
        let routes: Vec<_> = route::all(&portal.door).await.into_iter().filter(|route| route.body.is_some()).collect();
        let mut targets = Vec::new();
        for (who, caller) in cast {
            let caller = std::sync::Arc::new(caller);
            for route in &routes {
                let target = route.target(&portal.world);
                let answer = caller.send(&portal.door, &route.method, &target, b"[]".to_vec()).await;
                if answer.text().contains("The body is not") {
                    let body = route.body.as_ref().unwrap().to_string().into_bytes();
                    targets.push((who, caller.clone(), route.method.clone(), target, body));
                }
            }
        }
        (portal, targets)
    });
    assert!(targets.len() >= 10, "{}", targets.len());
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[29; 32]);
    let strategy = (0..targets.len(), prop::collection::vec(edit(), 1..6));
    let done = TestRunner::new_with_rng(config, rng).run(&strategy, |(index, edits)| {
        let (who, caller, method, target, body) = &targets[index];
        let mut body = body.clone();
        edits.iter().for_each(|edit| apply(&mut body, edit));
        let case = format!("{who}, {method} {target}: {}", body.escape_ascii());
        let answer = runtime.block_on(caller.send(&portal.door, method, target, body));
        assert_unharmed(&case, &answer);
        Ok(())
    });
    done.unwrap_or_else(|fault| panic!("{fault}"));
    // As useful as before.
    runtime.block_on(async {
        let mut phone = portal.phone();
        phone.sign_in(BO).await;
        assert_eq!(phone.step().await, "enter_code");
        assert!(targets.iter().any(|(_, caller, ..)| matches!(&**caller, Caller::Signed(..))));
    });
}
