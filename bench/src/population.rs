//! The members of a large organisation, written as rows beside the portal, which would take hours for a million.

use crate::Result;
use crate::database::{Database, psql, said};
use std::path::Path;
use std::process::Command;

/// A day in milliseconds.
pub const DAY_MS: u64 = 86_400_000;

/// Members as rows, with what their status is made of.
pub fn fill(folder: &Path, database: Option<&Database>, organisation: &str, members: u64, now_ms: u64) -> Result<()> {
    let rows = rows(organisation, members, now_ms);
    match database {
        Some(database) => {
            psql(&database.address, &rows)?;
            // As the server does it by itself, some time after so many rows.
            psql(&database.address, "VACUUM ANALYZE")
        }
        None => {
            let quick = "PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY;";
            let mut command = Command::new("sqlite3");
            command.args(["-bail", "-cmd", quick]).arg(folder.join("data/portal.db"));
            said(command.arg(format!("BEGIN; {rows}; COMMIT")))
        }
    }
}

/// One text for both databases. `part` is a thousandth of the members, spread over their names and ids.
fn rows(organisation: &str, members: u64, now_ms: u64) -> String {
    let (long_ago, lately, soon) = (now_ms - 400 * DAY_MS, now_ms - DAY_MS, now_ms + 5 * DAY_MS);
    let (required, minute_ago) = (now_ms - 90 * DAY_MS, now_ms - 60_000);
    let zeros = "0".repeat(32);
    format!(
        "CREATE TEMPORARY TABLE person AS
        WITH RECURSIVE n (i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < {members}),
            spread AS (SELECT i, i * 48271 % 2147483647 AS a FROM n),
            drawn AS (SELECT i, a / 64 % 1000 AS part, a * 16807 % 2147483647 AS b FROM spread)
        SELECT i, part, b, substr('{zeros}' || CAST(i AS TEXT), length(CAST(i AS TEXT)) + 1) AS id,
            trim(substr('Ada    Bruno  Carla  David  Elena  Farid  Greta  Hugo   Ines   Jonas  Kaya   Leon   Maria  Nils   '
                || 'Olga   Paul   Rosa   Samir  Tina   Victor ', CAST(b % 20 * 7 + 1 AS INTEGER), 7)) || ' '
            || substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ', CAST(b / 8000 % 26 + 1 AS INTEGER), 1) || '. '
            || trim(substr('Acker Berg  Claus Dorn  Eich  Falk  Grau  Hart  Ihl   Jung  Kron  Lind  Moor  Neu   Ost   '
                || 'Puls  Rot   Stein Tal   Wald  ', CAST(b / 20 % 20 * 6 + 1 AS INTEGER), 6))
            || trim(substr('au    bach  berg  born  dorf  er    feld  hof   heim  holm  kamp  lein  mann  mark  ner   '
                || 'rath  sen   stedt tal   wig   ', CAST(b / 400 % 20 * 6 + 1 AS INTEGER), 6)) AS name
        FROM drawn;
        UPDATE organisation SET required_ms = {required} WHERE id = '{organisation}';
        INSERT INTO member (organisation, id, name, email, role, state, password, password_fails, created_ms, sort_name,
            search_text, reset_ms, seen_ms, place, shelf)
        SELECT '{organisation}', id, name, 'row' || i || '@example.org', 'member',
            CASE WHEN part >= 980 THEN 'suspended' ELSE 'active' END, '', 0,
            CASE WHEN part >= 910 AND part < 940 THEN {lately} ELSE {long_ago} END,
            lower(name), lower(name) || ' row' || i || '@example.org',
            CASE WHEN part >= 960 AND part < 969 THEN {lately} ELSE 0 END,
            CASE WHEN part >= 620 AND part < 650 THEN 0 ELSE {now_ms} - b * 3 END,
            CASE WHEN part < 620 THEN 5 WHEN part >= 980 THEN 6 WHEN part >= 970 THEN 1 WHEN part = 969 THEN 4
                WHEN part >= 960 THEN 2 ELSE 3 END,
            CASE WHEN part < 620 THEN 50 WHEN part >= 980 THEN 60 WHEN part >= 970 THEN 10 WHEN part = 969 THEN 40
                WHEN part >= 960 THEN 20 WHEN part >= 940 THEN 32 WHEN part >= 910 OR part < 680 THEN 30
                WHEN part < 880 THEN 33 ELSE 31 END
        FROM person;
        INSERT INTO member_count (organisation, shelf, part, members)
        SELECT '{organisation}', shelf, 99, count(*) FROM member WHERE email LIKE 'row%' GROUP BY shelf;
        INSERT INTO factor (organisation, member, id, state, seed_sealed, key_version, fails, wait_until_ms, last_step,
            created_ms, confirmed_ms)
        SELECT '{organisation}', id, id, CASE WHEN part < 620 THEN 'active' WHEN part = 969 THEN 'pending'
                ELSE 'disabled' END,
            CAST('a sealed seed is as long as this, give or take' AS BLOB), 1, 0, 0, 0,
            CASE WHEN part = 969 THEN {minute_ago} ELSE {long_ago} END, CASE WHEN part = 969 THEN 0 ELSE {long_ago} END
        FROM person WHERE part < 620 OR (part >= 969 AND part < 980);
        INSERT INTO device (organisation, id, member, state, spki, facts, name, opening, first_nonce, second_nonce,
            wrong_codes, address, created_ms, expires_ms, decided_ms, decided_by, finish_until_ms, code_at_ms)
        SELECT '{organisation}', id, id, 'approved', CAST('a public key' AS BLOB), '{{}}', 'Phone', CAST('' AS BLOB),
            CAST('' AS BLOB), CAST('' AS BLOB), 0, '', {long_ago}, 0, {long_ago}, '', 0, {long_ago}
        FROM person WHERE part < 620;
        INSERT INTO two_step_exception (organisation, member, until_ms, reason, made_by, made_ms)
        SELECT '{organisation}', id, {soon}, 'a benchmark', '', {lately} FROM person WHERE part >= 940 AND part < 960;
        INSERT INTO identity_provider (organisation, issuer, client_id, secret_sealed, secret_key_version, mfa_amr,
            mfa_acr, name_claim, folded_name, set_ms)
        VALUES ('{organisation}', 'https://id.example', 'portal', CAST('' AS BLOB), 1, '[]', '[]', 'email', 'benchmark',
            {long_ago});
        INSERT INTO sso_link (organisation, issuer, subject, member, mfa, signed_in_ms, linked_ms)
        SELECT '{organisation}', 'https://id.example', id, id, CASE WHEN part < 880 THEN 1 ELSE 0 END, {lately},
            {long_ago}
        FROM person WHERE part >= 680 AND part < 910;
        DROP TABLE person"
    )
}
