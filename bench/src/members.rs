//! The list of members, by status, in a large organisation: its first page and one near the end, as queries and as pages of
//! an admin's browser, on either database.
//!
//! The peer is what a list does that numbers its pages: the same statement with `OFFSET`.

use crate::Result;
use crate::database::{Database, SERVER};
use crate::population::{DAY_MS, fill};
use crate::portal::{ManualClock, open_on, read, require_two_step, seed_on};
use crate::report::{Budget, Report, median, quantile};
use crate::switching::Browser;
use std::path::Path;
use std::time::{Duration, Instant};
use twinlock_core::code::SET_UP_MS;
use twinlock_portal::store::{Sql, Store, StoreError, Value, catalogue};

/// Members, unless the command line says otherwise.
pub const MEMBERS: u64 = 1_000_000;
const ROUNDS: usize = 500;
const WARM_UP: usize = 25;
/// A slow list is asked less often: it stops after this time, but not before so many rounds.
const PATIENCE: Duration = Duration::from_secs(30);
const LEAST: usize = 25;
/// The peer takes part in one round of so many.
const PEER_EVERY: usize = 10;
const PAGE: u64 = 50;
/// What the page counts: up to a thousand, and whether there are more.
const MOST_COUNTED: u64 = 1_001;
/// The deep page begins behind this row, counted from the end.
const FROM_THE_END: u64 = 2 * PAGE;
const GRACE_DAYS: u64 = 14;
const LIST: &str = "/admin/users?status=not-set-up";
/// Other pages by status, one of admins alone, and those that stand on the same counts.
const OTHERS: [&str; 9] = [
    "/admin/users",
    "/admin/users?status=non-compliant",
    "/admin/users?status=exception",
    "/admin/users?status=grace",
    "/admin/users?status=reset&sort=seen",
    "/admin/users?status=non-compliant&sort=status-down",
    "/admin/users?role=admin",
    "/admin",
    "/admin/policies",
];
const ISSUER: &str = "https://id.example";
/// No name is sorted behind it.
const LAST: &str = "\u{10ffff}";

twinlock_portal::statements! {
    // The portal's SHELF_UP, but for where the page begins; `peer` compares the two.
    BY_OFFSET = "SELECT m.id, m.name, m.email, m.role, m.state,
            CASE WHEN m.shelf = 50 THEN 'active' WHEN m.shelf = 10 THEN 'disabled' WHEN m.shelf = 60 THEN
                COALESCE((SELECT f.state FROM factor f
                    WHERE f.organisation = m.organisation AND f.member = m.id AND f.state <> 'pending'), '')
                ELSE '' END,
            (SELECT CAST(count(*) AS BIGINT) FROM device d
                WHERE d.organisation = m.organisation AND d.member = m.id AND d.state = 'approved'),
            CASE WHEN m.shelf IN (22, 32, 40, 60) THEN COALESCE((SELECT x.until_ms FROM two_step_exception x
                WHERE x.organisation = m.organisation AND x.member = m.id), 0) ELSE 0 END,
            CASE WHEN m.shelf IN (40, 60) THEN COALESCE((SELECT q.created_ms FROM factor q
                WHERE q.organisation = m.organisation AND q.member = m.id AND q.state = 'pending'), 0) ELSE 0 END,
            m.created_ms,
            CASE WHEN m.shelf NOT IN (10, 20, 30, 50) THEN COALESCE((SELECT l.signed_in_ms * 2 + l.mfa FROM sso_link l
                WHERE l.organisation = m.organisation AND l.issuer = $2 AND l.member = m.id
                AND l.signed_in_ms >= $3), 0) ELSE 0 END,
            m.reset_ms, m.seen_ms, m.sort_name, m.place, m.reminded_ms, m.bounced_ms, m.shelf
        FROM member m WHERE m.organisation = $1 AND m.shelf = $4 AND m.created_ms > $5 AND m.created_ms <= $6
        ORDER BY m.sort_name ASC, m.id ASC LIMIT 51 OFFSET $7";
}

/// A database, and what its page of the list may take.
struct Engine {
    section: &'static str,
    name: &'static str,
    limit_ms: f64,
    says: &'static str,
}

const SQLITE: Engine =
    Engine { section: "List of members by status, SQLite", name: "SQLite", limit_ms: 0.1, says: "≤ 0.1 ms" };
const POSTGRESQL: Engine =
    Engine { section: "List of members by status, PostgreSQL", name: "PostgreSQL", limit_ms: 1.0, says: "≤ 1 ms" };

/// With a million members.
pub fn measure(report: &mut Report) -> Result<()> {
    measure_with(MEMBERS, report)
}

/// Seeds a portal on each database and reads its list.
pub fn measure_with(members: u64, report: &mut Report) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let folder = tempfile::tempdir()?;
    runtime.block_on(list(&SQLITE, folder.path(), None, members, report))?;
    drop(folder);
    match Database::create()? {
        Some(database) => {
            let folder = tempfile::tempdir()?;
            runtime.block_on(list(&POSTGRESQL, folder.path(), Some(&database), members, report))?;
        }
        None => report.note(format!(
            "List of members: not measured on PostgreSQL, because {SERVER} names no server; CONTRIBUTING.md says how to \
             start one around a command."
        )),
    }
    report.note(
        "List of members: 62 % have two-step set up and a device, 6 % have not set it up, 20 % come from an identity \
         provider with MFA and 3 % without, 3 % are in the deadline, 2 % have an exception, 2 % are suspended, 1 % are \
         locked, 1 % were reset or are setting up. Listed are those who have not set it up, by name; the deep page ends 49 \
         rows before the last. Queries are timed inside the read, so that queue and transaction are not in them; the same \
         statement with `OFFSET` is timed in the same place.",
    );
    report.note(
        "List of members: the page is what an admin's browser gets from the whole router, in the process without a socket: \
         session, policy, the rows, the count and the HTML. The count of a status is kept. Here more than 1,000 of those who \
         have not set up are in their deadline, which depends on the time: the page counts to 1,001 and shows \"more than \
         1,000\"; the full count is there to compare.",
    );
    Ok(())
}

async fn list(
    engine: &Engine,
    folder: &Path,
    database: Option<&Database>,
    members: u64,
    report: &mut Report,
) -> Result<()> {
    let address = database.map(|database| database.address.as_str());
    let organisation = seed_on(folder, address, &[])?;
    let clock = ManualClock::start()?;
    // The policy is set before the members come, and the portal is not there while they do.
    let portal = open_on(folder, address, &clock)?;
    let router = twinlock_portal::app::app(portal.clone());
    require_two_step(&router, serde_json::json!({ "grace_days": GRACE_DAYS })).await?;
    portal.store.close().await;
    let started = Instant::now();
    fill(folder, database, &organisation, members, clock.now_ms())?;
    eprintln!("{members} members on {} in {:.0} s …", engine.name, started.elapsed().as_secs_f64());

    let portal = open_on(folder, address, &clock)?;
    let (of, size) = (Wanted { organisation, now_ms: clock.now_ms() }, members);
    let deep = queries(engine, &portal.store, &of, size, report).await?;
    let router = twinlock_portal::app::app(portal.clone());
    let mut admin = Browser::sign_in(&router, "admin@example.org").await?;
    admin.set_up(&clock).await?;
    pages(engine, &admin, &deep, report).await?;
    portal.store.close().await;
    Ok(())
}

/// Whose list it is, and when it is read.
#[derive(Clone)]
struct Wanted {
    organisation: String,
    now_ms: u64,
}

/// A row of the list: its id, and the name it is sorted by.
type Place = (String, String);

/// What is asked of those who have not set up, whose shelf is 30.
#[derive(Clone)]
enum Ask {
    /// From a place on, upwards or downwards.
    Page(Sql, Place),
    /// Behind so many rows.
    Peer(Sql, u64),
    /// So many are counted at most.
    Count(Sql, u64),
    /// All that the list asks for one page and its number of matches, one statement after the other.
    Whole(Place),
}

/// Its milliseconds, and its rows or the one number that it answers.
async fn ask(store: &Store, of: &Wanted, ask: Ask) -> Result<(f64, Vec<Place>, u64)> {
    let (of, names) = (of.clone(), Names::find()?);
    let run = move |tx: &mut twinlock_portal::store::Tx<'_>| -> std::result::Result<_, StoreError> {
        let (organisation, issuer): (Value<'_>, Value<'_>) = ((&of.organisation).into(), ISSUER.into());
        let set_ms = of.now_ms - 400 * DAY_MS;
        let graced_ms = of.now_ms - GRACE_DAYS * DAY_MS;
        let shelf = || [Value::from(30u64), Value::Int(-1), graced_ms.into()];
        let page = |place: &Place| {
            let mut values = vec![(&of.organisation).into(), ISSUER.into(), set_ms.into()];
            values.extend([Value::from(place.1.clone()), Value::from(place.0.clone())]);
            values.extend(shelf());
            values
        };
        let counted = |most: u64| {
            let mut values: Vec<Value<'_>> = vec![(&of.organisation).into()];
            values.extend(shelf());
            values.push(most.into());
            values
        };
        let mut extra = Vec::new();
        let (sql, values) = match &ask {
            Ask::Page(sql, place) => (*sql, page(place)),
            Ask::Peer(sql, offset) => {
                let mut values = vec![organisation, issuer, set_ms.into()];
                values.extend(shelf());
                values.push((*offset).into());
                (*sql, values)
            }
            Ask::Count(sql, most) => (*sql, counted(*most)),
            Ask::Whole(place) => {
                let late = |until_ms: u64| -> Vec<Value<'_>> {
                    vec![(&of.organisation).into(), until_ms.into(), Value::Int(i64::MIN), "".into()]
                };
                for _ in 0..2 {
                    extra.push((names.moment, vec![(&of.organisation).into()]));
                    extra.push((names.exceptions, late(of.now_ms)));
                    extra.push((names.set_ups, late(of.now_ms - SET_UP_MS)));
                }
                extra.push((names.counts, vec![(&of.organisation).into()]));
                let added =
                    vec![(&of.organisation).into(), Value::from(30u64), graced_ms.into(), (MOST_COUNTED + 1).into()];
                extra.push((names.added, added));
                extra.push((names.count, counted(MOST_COUNTED)));
                (names.up, page(place))
            }
        };
        let started = Instant::now();
        let rows = tx.query(sql, &values)?;
        for (sql, values) in extra {
            tx.query(sql, &values)?;
        }
        let took = started.elapsed().as_secs_f64() * 1e3;
        if let Ask::Count(..) = ask {
            let number = rows.first().map_or(Ok(0), |row| row.unsigned(0))?;
            return Ok((took, Vec::new(), number));
        }
        let places = rows.iter().map(|row| Ok((row.text(0)?.to_owned(), row.text(13)?.to_owned())));
        Ok((took, places.collect::<std::result::Result<_, StoreError>>()?, 0))
    };
    Ok(store.read(run).await?)
}

/// The portal's statements.
#[derive(Clone, Copy)]
struct Names {
    up: Sql,
    moment: Sql,
    exceptions: Sql,
    set_ups: Sql,
    counts: Sql,
    added: Sql,
    count: Sql,
}

impl Names {
    fn find() -> Result<Self> {
        Ok(Self {
            up: named("SHELF_UP")?,
            moment: named("FIND_MOMENT")?,
            exceptions: named("LIST_LATE_EXCEPTIONS")?,
            set_ups: named("LIST_LATE_SET_UPS")?,
            counts: named("SUM_COUNTS")?,
            added: named("COUNT_ADDED")?,
            count: named("COUNT_SHELF")?,
        })
    }
}

/// The queries; the ids of the deep page.
async fn queries(
    engine: &Engine,
    store: &Store,
    of: &Wanted,
    members: u64,
    report: &mut Report,
) -> Result<Vec<String>> {
    let (up, down, count) = (named("SHELF_UP")?, named("SHELF_DOWN")?, named("COUNT_SHELF")?);
    let (_, _, matches) = ask(store, of, Ask::Count(count, u64::MAX / 2)).await?;
    if !(members / 20..members / 14).contains(&matches) {
        return Err(format!("{matches} of {members} members have not set up: the mix is not what it should be").into());
    }
    // A statement brings 51 rows: the hundredth from the end is in the second part.
    let (_, last, _) = ask(store, of, Ask::Page(down, (LAST.to_owned(), LAST.to_owned()))).await?;
    let (_, before, _) = ask(store, of, Ask::Page(down, last.last().cloned().ok_or("nobody is on the list")?)).await?;
    let begin = before.into_iter().nth(48).ok_or("too few are on the list")?;
    let first = Ask::Page(up, (String::new(), String::new()));
    let deep = Ask::Page(up, begin.clone());
    let by_offset = Ask::Peer(peer(up)?, matches - (FROM_THE_END - 1));
    let (whole, whole_deep) = (Ask::Whole((String::new(), String::new())), Ask::Whole(begin));
    let everybody = Ask::Count(count, u64::MAX / 2);
    let (_, shown, _) = ask(store, of, deep.clone()).await?;
    if shown.len() as u64 != PAGE + 1 || shown != ask(store, of, by_offset.clone()).await?.1 {
        return Err("the deep page is another one by OFFSET".into());
    }

    let mut took: [Vec<f64>; 6] = Default::default();
    for round in rounds() {
        let peers = round.is_multiple_of(PEER_EVERY);
        let contestants = [
            (&first, true),
            (&deep, true),
            (&whole, true),
            (&whole_deep, true),
            (&by_offset, peers),
            (&everybody, peers),
        ];
        for ((contestant, takes_part), took) in contestants.into_iter().zip(&mut took) {
            if takes_part {
                let (ms, ..) = ask(store, of, contestant.clone()).await?;
                took.extend(Some(ms).filter(|_| round >= WARM_UP));
            }
        }
    }
    let [first, deep, whole, whole_deep, by_offset, everybody] = took;
    let section = engine.section;
    report.line(section, format!("of {members} members have not set up"), matches as f64, "members", None);
    let limit = Some((engine.limit_ms, engine.says));
    let by_key = pair(report, section, "query", (first, deep), limit);
    pair(report, section, "all queries of page and count", (whole, whole_deep), None);
    let by_offset = median(by_offset);
    report.line(section, "query, deep page by `OFFSET`", by_offset, "ms", None);
    report.line(section, "query, deep page: by `OFFSET` ÷ by key", by_offset / by_key, "×", None);
    report.line(section, "count of all who match, if it were counted", median(everybody), "ms", None);
    Ok(shown.into_iter().take(usize::try_from(PAGE)?).map(|(id, _)| id).collect())
}

/// The pages over the router.
async fn pages(engine: &Engine, admin: &Browser, deep: &[String], report: &mut Report) -> Result<()> {
    // From the end: what follows the second page of the turned order stands before the deep page.
    let (_, page) = get(admin, &format!("{LIST}&sort=name-down")).await?;
    let (_, page) = get(admin, &next(&page)?).await?;
    let address = next(&page)?.replace("&sort=name-down", "").replace("&sort=name%2Ddown", "");
    let (_, page) = get(admin, &address).await?;
    let shows = |id: &String| page.contains(&format!("\"/admin/users/{id}\""));
    if deep.is_empty() || !deep.iter().all(shows) {
        return Err(format!("{address} does not show what the query found").into());
    }
    let (mut first, mut deep) = (Vec::new(), Vec::new());
    for round in rounds() {
        let took = (get(admin, LIST).await?.0, get(admin, &address).await?.0);
        if round >= WARM_UP {
            first.push(took.0);
            deep.push(took.1);
        }
    }
    let limit = Some((50.0, "< 50 ms, in the browser"));
    pair(report, engine.section, "page", (first, deep), limit);
    for address in OTHERS {
        let mut took = Vec::new();
        for round in rounds().take(WARM_UP + LEAST * 4) {
            let (ms, _) = get(admin, address).await?;
            took.extend(Some(ms).filter(|_| round >= WARM_UP));
        }
        spread(report, engine.section, &format!("page `{address}`"), took, limit);
    }
    Ok(())
}

/// The numbers of the rounds from now on, those that warm up first.
fn rounds() -> impl Iterator<Item = usize> {
    let started = Instant::now();
    (0..WARM_UP + ROUNDS).take_while(move |round| *round < WARM_UP + LEAST || started.elapsed() < PATIENCE)
}

/// Median and 99th percentile of both, and how they compare; the median of the deep one.
fn pair(
    report: &mut Report,
    section: &'static str,
    what: &str,
    (first, deep): (Vec<f64>, Vec<f64>),
    limit: Option<(f64, &str)>,
) -> f64 {
    let first = spread(report, section, &format!("{what}, first page"), first, limit);
    let deep = spread(report, section, &format!("{what}, deep page"), deep, limit);
    let ratio = deep / first;
    let budget = Budget::at_most((ratio - 1.0).abs(), 0.2, "1 ± 20 %");
    report.line(section, format!("{what}: deep page ÷ first page"), ratio, "×", budget);
    deep
}

/// Median and 99th percentile, which the limit is for; the median.
fn spread(report: &mut Report, section: &'static str, what: &str, took: Vec<f64>, limit: Option<(f64, &str)>) -> f64 {
    let asked = took.len();
    let (p50, p99) = (median(took.clone()), quantile(took, 0.99));
    report.line(section, format!("{what}, asked {asked} times"), p50, "ms", None);
    let budget = limit.and_then(|(limit, says)| Budget::at_most(p99, limit, says));
    report.line(section, format!("{what}, 99th percentile"), p99, "ms", budget);
    p50
}

async fn get(admin: &Browser, address: &str) -> Result<(f64, String)> {
    let started = Instant::now();
    let answer = admin.send("GET", address, None).await?;
    let status = answer.status();
    let body = read(answer).await?;
    let took = started.elapsed().as_secs_f64() * 1e3;
    if status.as_u16() == 200 {
        Ok((took, String::from_utf8(body)?))
    } else {
        Err(format!("{address}: {status}").into())
    }
}

/// Where the page's link to the next one leads.
fn next(page: &str) -> Result<String> {
    let (_, rest) = page.split_once("rel=\"next\" href=\"").ok_or("the page is the last one")?;
    let address = rest.split('"').next().unwrap_or_default();
    Ok(address.replace("&#38;", "&").replace("&amp;", "&"))
}

/// A statement of the portal's.
fn named(name: &str) -> Result<Sql> {
    catalogue().find(|sql| sql.name() == name).ok_or_else(|| format!("the portal has no statement {name}").into())
}

/// The peer, if it still is the same but for where the page begins.
fn peer(own: Sql) -> Result<Sql> {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let own = words(own.text())
        .replace(" AND (m.sort_name, m.id) > ($4, $5) ORDER BY", " ORDER BY")
        .replace("$6", "$4")
        .replace("$7", "$5")
        .replace("$8", "$6")
        .replace(" LIMIT 51", " LIMIT 51 OFFSET $7");
    let [peer] = STATEMENTS else { return Err("there is one peer".into()) };
    if words(peer.text()) == own { Ok(*peer) } else { Err("the peer is not the portal's statement with OFFSET".into()) }
}
