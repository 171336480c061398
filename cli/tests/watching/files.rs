//! Folders and files of this machine.

use std::fs;

use serde_json::json;

use crate::{Scene, activate, active, becomes_active, decided, digest, looks, plainly, soon, stays, write};

/// When all that is there was last known to be taken.
fn last_success(server: &crate::Server) -> f64 {
    let metrics = server.text("/metrics");
    let name = "ordain_bundle_watch_last_success_timestamp_seconds ";
    let found = metrics.lines().find_map(|line| line.strip_prefix(name)).expect("is told");
    found.parse().expect("a number")
}

#[test]
fn what_is_dropped_into_a_folder_decides() {
    let scene = Scene::new();
    let [export, refund, delete] = ["export", "refund", "delete"].map(|tool| scene.build(tool, None));
    // There is not even the folder yet.
    let server = scene.serve(&scene.text("drop"), plainly);
    assert_eq!(server.get("/readyz").0, 503);
    soon("it is told that there is nothing", || looks(&server, "missing") > 1);

    scene.put(&scene.read("export"), "1.ordain-bundle");
    becomes_active(&server, &export);
    soon("decisions go by it", || decided(&server, "export") == "BLOCK");
    assert_eq!(decided(&server, "refund"), "ALLOW");
    // The newest counts, whatever it is called; what is called otherwise isn't looked at.
    scene.put(&scene.read("refund"), "0.ordain-bundle");
    becomes_active(&server, &refund);
    soon("decisions go by it", || decided(&server, "export") == "ALLOW");
    assert_eq!(decided(&server, "refund"), "BLOCK");
    scene.put(&scene.read("delete"), ".2.ordain-bundle");
    scene.put(&scene.read("delete"), "2.ordain-bundle.part");
    stays(&server, "unchanged", &refund);

    let bundles = server.get("/api/v1/bundles").1;
    assert_eq!(bundles["total"], 2);
    assert!(
        bundles["items"].as_array().expect("a list").iter().all(|item| item["origin"] == "watch"),
        "{bundles}"
    );
    let record = server.get("/api/v1/audit-log").1;
    let last = &record["items"][0];
    assert_eq!((&record["total"], &last["action"]), (&json!(2), &json!("bundle.activate")));
    assert_eq!(last["actor"], json!({ "kind": "service", "name": "watch" }));
    assert_eq!((&last["subject"], &last["details"]["before"]), (&json!(refund), &json!(export)));
    assert!(last["details"]["from"].as_str().expect("a place").starts_with("file:///"), "{last}");
    assert_eq!(last["details"]["object"], "0.ordain-bundle");
    assert!(server.text("/metrics").contains("ordain_bundle_watch_last_success_timestamp_seconds 1"));

    // A person goes back: nothing takes that back, neither the next look nor the next start.
    activate(&server, &export);
    stays(&server, "unchanged", &export);
    assert!(server.stopped().contains("bundle was found and is active"));
    let server = scene.serve(&scene.text("drop"), plainly);
    stays(&server, "unchanged", &export);
    // But what is new is.
    scene.put(&scene.read("delete"), "2.ordain-bundle");
    becomes_active(&server, &delete);
    // The newest is removed: no step back, and nothing is wrong.
    fs::remove_file(scene.path("drop").join("2.ordain-bundle")).expect("a file");
    let seen = last_success(&server);
    stays(&server, "unchanged", &delete);
    soon("all that is there is known to be taken", || last_success(&server) > seen);
    assert_eq!(looks(&server, "refused"), 0);
    // One that nobody has had, and that is older than what was taken, is another matter.
    let late = scene.build("late", None);
    let path = scene.path("drop");
    fs::write(path.join("coming"), scene.read("late")).expect("a file");
    let file = fs::File::options().write(true).open(path.join("coming")).expect("a file");
    file.set_modified(std::time::SystemTime::UNIX_EPOCH).expect("may be dated");
    fs::rename(path.join("coming"), path.join("3.ordain-bundle")).expect("in one step");
    for old in ["0.ordain-bundle", "1.ordain-bundle"] {
        fs::remove_file(path.join(old)).expect("a file");
    }
    stays(&server, "refused", &delete);
    assert_ne!(late, delete);
    fs::remove_dir_all(scene.path("drop")).expect("a folder");
    stays(&server, "missing", &delete);
    let log = server.stopped();
    assert_eq!(log.matches("it is older than what was last taken").count(), 1, "told once: {log}");
    assert_eq!(log.matches("what was taken last is gone from there").count(), 1, "told once: {log}");
    assert_eq!(log.matches("there is no bundle").count(), 1, "told once: {log}");
}

#[test]
fn whatever_is_wrong_leaves_the_last_good_one() {
    let scene = Scene::new();
    let (export, refund) = (scene.build("export", None), scene.build("refund", None));
    scene.put(&scene.read("export"), "1.ordain-bundle");
    let server = scene.serve(&format!("file://{}", scene.text("drop")), plainly);
    becomes_active(&server, &export);

    let good = scene.read("refund");
    let (half, mut flipped) = (&good[..good.len() / 2], good.clone());
    let last = flipped.len() - 2;
    flipped[last] ^= 1;
    let mut lying =
        ordain_ir::Bundle::from_bytes(&fs::read(audit(&scene)).expect("a bundle")).expect("a bundle").0;
    std::sync::Arc::make_mut(&mut lying.analysis.conflicts[0]).witness = None;
    for (bytes, name) in [
        (b"hello".as_slice(), "2.ordain-bundle"),
        (&[], "3.ordain-bundle"),
        (&flipped, "4.ordain-bundle"),
        (&Scene::contradictory(), "5.ordain-bundle"),
        (&lying.to_bytes().0, "6.ordain-bundle"),
    ] {
        scene.put(bytes, name);
        stays(&server, "refused", &export);
    }
    // Somebody copies slowly, into the file itself.
    let path = scene.path("drop").join("7.ordain-bundle");
    write(&path, half);
    stays(&server, "refused", &export);
    write(&path, &good);
    becomes_active(&server, &refund);
    // A folder where a bundle should be, and one beyond what is taken.
    fs::create_dir(scene.path("drop").join("8.ordain-bundle")).expect("a folder");
    stays(&server, "unchanged", &refund);
    let log = server.stopped();
    for said in ["this is no Ordain bundle", "cannot activate: ", "evidence about `", "damaged"] {
        assert!(log.contains(said), "`{said}` is told: {log}");
    }
    assert_eq!(log.matches("GOV-POL-001_ACTIVATION_BLOCKED").count(), 1, "nothing is judged again: {log}");

    let server = scene.serve(&scene.text("drop"), |server| server.args(["--set", "limits.bundle=1KiB"]));
    let large = [&good[..], &[b' '; 2048]].concat();
    scene.put(&large, "9.ordain-bundle");
    stays(&server, "refused", &refund);
    let log = server.stopped();
    assert!(log.contains("(`limits.bundle`)"), "{log}");
}

fn audit(scene: &Scene) -> std::path::PathBuf {
    let path = scene.path("audit");
    crate::run(["build".into(), crate::example("audit-14-7"), "-o".into(), path.clone()]).expect_code(0);
    path
}

#[test]
fn without_a_signature_that_counts_nothing_is_taken() {
    let scene = Scene::new();
    let export = scene.build("export", Some("ours"));
    scene.build("refund", None);
    let delete = scene.build("delete", Some("ours"));
    scene.put(&scene.read("export.sig"), "1.ordain-bundle.sig");
    scene.put(&scene.read("export"), "1.ordain-bundle");
    let keys = format!("bundles.keys={}", scene.text("ours.pub"));
    let server = scene.serve(&scene.text("drop"), |server| server.args(["--set", &keys]));
    becomes_active(&server, &export);
    assert_eq!(server.get("/api/v1/bundles").1["items"][0]["signers"].as_array().map(Vec::len), Some(1));

    scene.put(&scene.read("refund"), "2.ordain-bundle");
    stays(&server, "refused", &export);
    scene.build("refund", Some("theirs"));
    scene.put(&scene.read("refund.sig"), "2.ordain-bundle.sig");
    scene.put(&scene.read("refund"), "2.ordain-bundle");
    stays(&server, "refused", &export);
    scene.put(b"nothing", "2.ordain-bundle.sig");
    stays(&server, "refused", &export);
    // The signature comes after the bundle, which isn't touched any more.
    scene.put(&scene.read("delete"), "3.ordain-bundle");
    stays(&server, "refused", &export);
    scene.put(&scene.read("delete.sig"), "3.ordain-bundle.sig");
    becomes_active(&server, &delete);
    activate(&server, &export);
    let log = server.stopped();
    for said in
        ["the bundle is not signed", "none of the keys that are trusted", "it is no signature of format 1"]
    {
        assert!(log.contains(said), "{said}: {log}");
    }
}

#[test]
fn one_file_is_taken_whenever_it_is_another() {
    let scene = Scene::new();
    let (export, refund) = (scene.build("export", None), scene.build("refund", None));
    let name = "shop.ordain-bundle";
    scene.put(&scene.read("export"), name);
    let place = scene.path("drop").join(name).display().to_string();
    let server = scene.serve(&place, plainly);
    becomes_active(&server, &export);
    scene.put(&scene.read("refund"), name);
    becomes_active(&server, &refund);
    // Whoever deploys goes back.
    scene.put(&scene.read("export"), name);
    becomes_active(&server, &export);
    // The same once more, over what a person has done: it is no news.
    activate(&server, &refund);
    scene.put(&scene.read("export"), name);
    stays(&server, "unchanged", &refund);
    fs::remove_file(&place).expect("a file");
    stays(&server, "missing", &refund);
    scene.put(&scene.read("refund"), name);
    soon("it is looked at", || looks(&server, "taken") == 4);
    assert_eq!(active(&server), refund);
    // An old copy that comes back, as from a machine that lags behind, is no news either; a new bundle always is.
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_hours(9_000);
    let aged = |bytes: &[u8]| {
        scene.put(bytes, "aged");
        let file = fs::File::options().write(true).open(scene.path("drop").join("aged")).expect("a file");
        file.set_modified(old).expect("may be dated");
        fs::rename(scene.path("drop").join("aged"), &place).expect("in one step");
    };
    aged(&scene.read("export"));
    stays(&server, "refused", &refund);
    let delete = scene.build("delete", None);
    aged(&scene.read("delete"));
    becomes_active(&server, &delete);
    assert_eq!(digest(&fs::read(&place).expect("a file")), delete);
    server.stopped();
}
