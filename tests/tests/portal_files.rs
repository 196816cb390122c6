//! The files of an organisation: added, listed, downloaded and deleted by its members, and by nobody else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use std::path::PathBuf;
use support::*;

const MEGABYTE: usize = 1 << 20;

async fn ready(portal: &Portal, name: &str) -> Browser {
    let mut browser = portal.browser();
    browser.sign_in(name).await;
    browser.set_up().await;
    browser
}

/// Everything in the folder of the organisation's files.
fn stored(portal: &Portal) -> Vec<PathBuf> {
    let folder = portal.world.data().join("files").join(&portal.world.organisation);
    let mut found: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

fn id_of(portal: &Portal, name: &str) -> String {
    portal.world.sql(&format!("SELECT id FROM file WHERE name = '{name}'"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_adds_a_file_that_everybody_downloads_and_its_owner_deletes() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let (mut bo, mut cy) = (ready(&portal, BO).await, ready(&portal, CY).await);
    // Decomposed on the way in, as some systems write it; one form is kept.
    let answer = bo.upload("Gru\u{308}\u{df}e.html", b"<script>alert(1)</script>").await;
    assert_eq!(answer.expect(303).header("location"), "/files?done=uploaded");
    let page = cy.get("/files?done=uploaded").await.expect(200).text();
    assert!(page.contains("Gr\u{fc}\u{df}e.html") && page.contains("25 bytes") && page.contains("Bo Brandt"), "{page}");
    assert!(page.contains("The file is stored.") && page.contains("<time datetime="), "{page}");
    let id = id_of(&portal, "Gr\u{fc}\u{df}e.html");
    let file = cy.get(&format!("/files/{id}")).await;
    assert_eq!(file.expect(200).text(), "<script>alert(1)</script>");
    // No browser runs it: it is a download of no kind.
    assert_eq!(file.header("content-disposition"), "attachment; filename*=UTF-8''Gr%C3%BC%C3%9Fe.html");
    assert_eq!(file.header("content-type"), "application/octet-stream");
    assert_eq!(file.header("x-content-type-options"), "nosniff");
    assert_eq!(portal.world.audited("file.added"), 2);
    // Somebody else's is not deleted, and no link leads there.
    let target = format!("/files/{id}/delete");
    assert!(!page.contains(&target));
    for answer in [cy.get(&target).await, cy.form(&target, &[]).await] {
        assert!(answer.expect(403).text().contains("TL-3006"));
    }
    assert!(bo.get("/files").await.text().contains(&target));
    assert!(bo.get(&target).await.expect(200).text().contains("The audit log keeps its name"));
    assert_eq!(bo.form(&target, &[]).await.expect(303).header("location"), "/files?done=deleted");
    cy.get(&format!("/files/{id}")).await.expect(404);
    bo.form(&target, &[]).await.expect(404);
    assert_eq!((stored(&portal).len(), portal.world.audited("file.deleted")), (1, 1));
    // An admin deletes anybody's, the operator's too; then the page says how to begin.
    let target = format!("/files/{}/delete", portal.world.file);
    bo.form(&target, &[]).await.expect(403);
    ada.form(&target, &[]).await.expect(303);
    assert!(ada.get("/files").await.expect(200).text().contains("There are no files yet."));
    assert!(stored(&portal).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_never_a_path_and_never_markup() {
    let portal = Portal::start();
    let mut bo = ready(&portal, BO).await;
    let before = (stored(&portal), portal.world.dump("file"));
    let long = format!("{}.txt", "\u{e4}".repeat(126));
    for name in [
        "../../key",
        "/etc/passwd",
        "..\\..\\key",
        "C:\\Windows\\win.ini",
        "..",
        ".",
        "  ",
        "a\tb.txt",
        "a\u{0}b.txt",
        "a\u{7f}b.txt",
        "invoice\u{202e}fdp.exe",
        "in\u{200b}voice.pdf",
        &long,
    ] {
        let answer = bo.upload(name, b"hostile").await;
        let status = answer.status.as_u16();
        assert!(status == 422 || status == 400, "{name:?}: {status}");
        assert!(answer.text().contains("class=\"fault\""), "{name:?}: {}", answer.text());
        assert!(!answer.text().contains("passwd") && !answer.text().contains("win.ini"), "{name:?}");
    }
    assert_eq!((stored(&portal), portal.world.dump("file")), before);
    // What is only ugly is kept, and shown as text.
    let ugly = "<img src=x onerror=alert(1)> & 'two'; a=\u{201c}b\u{201d}.txt";
    bo.upload(ugly, b"text").await.expect(303);
    let page = bo.get("/files").await.expect(200).text();
    assert!(!page.contains("<img") && page.contains("&#60;img src=x onerror=alert(1)&#62; &#38;"), "{page}");
    let id = portal.world.sql("SELECT id FROM file WHERE name LIKE '<img%'");
    let file = bo.get(&format!("/files/{id}")).await;
    let disposition = file.expect(200).header("content-disposition").to_owned();
    assert!(
        !disposition.contains(['<', '"', ' ', ';', ',']) || disposition.starts_with("attachment; filename*=UTF-8''")
    );
    assert!(
        disposition["attachment; filename*=UTF-8''".len()..]
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"%-._".contains(&b))
    );
    let ask = bo.get(&format!("/files/{id}/delete")).await.expect(200).text();
    assert!(!ask.contains("<img"), "{ask}");
    // Nor does the address of a download become a path.
    for path in ["/files/..%2F..%2Fkey", "/files/..%2Fkey", "/files/%2Fetc%2Fpasswd", "/files/.", "/files/%00"] {
        let status = bo.get(path).await.status.as_u16();
        assert!((400..500).contains(&status), "{path}: {status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_or_does_not_arrive_whole_leaves_nothing() {
    let portal = Portal::start();
    let mut bo = ready(&portal, BO).await;
    let before = (stored(&portal), portal.world.dump("file"));
    let answer = bo.upload("large.bin", &vec![7; 64 * MEGABYTE + 1]).await;
    assert!(answer.expect(413).text().contains("larger than 67 MB"), "{}", answer.text());
    // So large that nobody reads to its end.
    let huge = bo.upload("huge.bin", &vec![7; 81 * MEGABYTE]).await;
    assert!([400, 413].contains(&huge.status.as_u16()), "{}", huge.status);
    let cut = b"--boundary\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nhalf";
    assert!(bo.upload_raw(cut.to_vec()).await.expect(400).text().contains("did not arrive whole"));
    // A head without end is not collected in memory.
    let endless = [b"--boundary\r\nx: ".to_vec(), vec![b'a'; MEGABYTE]].concat();
    bo.upload_raw(endless).await.expect(400);
    bo.upload_raw(Vec::new()).await.expect(400);
    let unnamed =
        b"--boundary\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\"\r\n\r\n\r\n--boundary--\r\n";
    assert!(bo.upload_raw(unnamed.to_vec()).await.expect(422).text().contains("Choose a file first"));
    assert!(bo.form("/files/upload", &[("file", "text")]).await.expect(400).text().contains("class=\"fault\""));
    assert_eq!((stored(&portal), portal.world.dump("file")), before);
    // Where the row cannot be written, the content goes too.
    portal.world.database.refuse("INSERT", "file").unwrap();
    bo.upload("a.txt", b"a").await.expect(503);
    portal.world.database.allow("file").unwrap();
    assert_eq!(stored(&portal), before.0);
    // A whole one of the largest size is taken; every other route keeps its own limit.
    bo.upload("largest.bin", &vec![7; 64 * MEGABYTE]).await.expect(303);
    assert_eq!(portal.world.sql("SELECT size FROM file WHERE name = 'largest.bin'"), (64 * MEGABYTE).to_string());
    let long = serde_json::json!({ "code": "1".repeat(70_000) });
    bo.post("/v1/two-step/verify", &long).await.expect_problem(413, "TL-4008");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_adds_a_file_who_is_not_done_or_comes_from_elsewhere() {
    let portal = Portal::start();
    portal.enforced().await;
    let before = (stored(&portal), portal.world.dump("file"));
    let mut stranger = portal.browser();
    assert_eq!(stranger.upload("a.txt", b"a").await.expect(303).header("location"), "/sign-in");
    let mut cy = portal.browser();
    cy.sign_in(CY).await;
    assert_eq!(cy.upload("a.txt", b"a").await.expect(303).header("location"), "/set-up");
    cy.set_up().await;
    let cookie = format!("__Host-session={}", cy.cookie.as_ref().unwrap());
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        let headers = [
            ("cookie".to_owned(), cookie.clone()),
            (name.to_owned(), value.to_owned()),
            ("content-type".to_owned(), "multipart/form-data; boundary=boundary".to_owned()),
        ];
        cy.door.send("POST", "/files/upload", &headers, b"--boundary--".to_vec()).await.expect(403);
    }
    assert_eq!((stored(&portal), portal.world.dump("file")), before);
}
