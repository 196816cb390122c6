//! Two portals on one database: the same code at both in the same moment.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use support::phone::{By, entry};
use support::program::Served;
use support::*;

const ROUNDS: u32 = 100;
const TARGET: &str = "/v1/two-step/verify";

/// A phone of Bo's at this portal, ready to show codes of `authenticator`.
async fn bo_at(portal: &Served, authenticator: Option<&Authenticator>) -> Phone {
    let mut bo = portal.phone();
    bo.sign_in(BO).await;
    match authenticator {
        Some(known) => bo.authenticator = Some(Authenticator::from_uri(known.0.to_uri().expose())),
        None => bo.set_up().await,
    }
    bo
}

/// Each round starts as if no code had been shown yet; the two requests of a round meet in that one row.
#[tokio::test(flavor = "multi_thread")]
async fn f31_one_code_at_two_portals_at_once_is_accepted_once() {
    let world = World::new();
    let (left, right) = tokio::join!(Served::start(&world), Served::start(&world));
    let mut ada = left.browser();
    ada.sign_in(ADA).await;
    ada.require_two_step().await;
    let at_left = bo_at(&left, None).await;
    let at_right = bo_at(&right, at_left.authenticator.as_ref()).await;
    let mut won_at_left = 0;
    for round in 0..ROUNDS {
        assert_eq!(world.sql("UPDATE factor SET last_step = 0, fails = 0, wait_until_ms = 0 RETURNING 1"), "1");
        let body = serde_json::to_vec(&entry(&at_left.code_now())).unwrap();
        // Signed beforehand, so that nothing but the request itself is left to do.
        let to_left = at_left.prepare(By::Session, "POST", TARGET, &body).await;
        let to_right = at_right.prepare(By::Session, "POST", TARGET, &body).await;
        let (first, second) = tokio::join!(
            tokio::spawn(send(left.door.clone(), to_left, body.clone())),
            tokio::spawn(send(right.door.clone(), to_right, body)),
        );
        let (first, second) = (first.unwrap(), second.unwrap());
        let (won, lost) = if first.status.is_success() { (&first, &second) } else { (&second, &first) };
        won_at_left += u32::from(first.status.is_success());
        assert_eq!(won.status.as_u16(), 200, "round {round}: {} {}", first.text(), second.text());
        lost.expect_problem(422, "TL-2002");
    }
    println!("{won_at_left} of {ROUNDS} were won at the first portal");
    assert_eq!(world.audited("code.accepted"), ROUNDS as usize);
    assert_eq!(world.audited("code.replayed"), ROUNDS as usize);
    assert_eq!(world.audited("code.refused"), 0);
}

async fn send(door: Door, headers: phone::Headers, body: Vec<u8>) -> Answer {
    door.send("POST", TARGET, &headers, body).await
}
