//! Bundles are signed, and what nobody vouches for is refused.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::json;
use support::{Run, Server, example, ordain, run};

/// A folder with two pairs of keys and a bundle that the first has signed.
struct Signed(tempfile::TempDir);

impl Signed {
    fn new() -> Self {
        let signed = Self(tempfile::tempdir().expect("a temporary folder"));
        for name in ["ours", "theirs"] {
            run(["keygen".into(), "-o".into(), signed.path(name)]).expect_code(0);
        }
        signed.build().expect_code(0);
        signed
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn build(&self) -> Run {
        run([
            "build".into(),
            example("acme"),
            "-o".into(),
            self.path("b"),
            "--sign".into(),
            self.path("ours"),
        ])
    }

    /// Verifies the bundle with some keys.
    fn verify(&self, keys: &[&str]) -> Run {
        let keys = keys.iter().flat_map(|key| ["--key".into(), self.path(key)]);
        run(["verify".into(), self.path("b")].into_iter().chain(keys))
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

#[test]
fn keys_are_private_and_never_replaced() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    let made = run(["keygen".into(), "-o".into(), path("k")]).expect_code(0);
    assert!(
        made.stdout.contains("keep it to yourself") && made.stdout.contains("ed25519:"),
        "{}",
        made.stdout
    );
    assert_eq!((mode(&path("k")), mode(&path("k.pub")) & 0o644), (0o600, 0o644));
    let text = fs::read_to_string(path("k")).expect("a key");
    assert!(
        text.starts_with("-----BEGIN PRIVATE KEY-----\n"),
        "the beginning of a key of a test is no secret"
    );

    let refused = run(["keygen".into(), "-o".into(), path("k")]).expect_code(2);
    assert!(refused.stderr.contains("is there already, and a key is never replaced"), "{}", refused.stderr);
    assert_eq!(fs::read_to_string(path("k")).expect("a key"), text, "it is as it was");
    // Nor is half a pair made.
    fs::remove_file(path("k")).expect("a file");
    run(["keygen".into(), "-o".into(), path("k")]).expect_code(2);
    assert!(!path("k").exists());
    run(["keygen".into(), "-o".into(), path("other")]).expect_code(0);
    assert_ne!(fs::read(path("other.pub")).expect("a key"), fs::read(path("k.pub")).expect("a key"));
}

#[test]
fn a_bundle_is_the_same_whether_it_is_signed_or_not() {
    let signed = Signed::new();
    let plain = signed.path("plain");
    run(["build".into(), example("acme"), "-o".into(), plain.clone()]).expect_code(0);
    assert_eq!(fs::read(&plain).expect("a bundle"), fs::read(signed.path("b")).expect("a bundle"));
    let first = fs::read(signed.path("b.sig")).expect("a signature");
    signed.build().expect_code(0);
    assert_eq!(fs::read(signed.path("b.sig")).expect("a signature"), first, "and so is its signature");
}

#[test]
fn who_has_signed_is_shown_and_held_against_who_is_trusted() {
    let signed = Signed::new();
    let inspected = run(["inspect".into(), signed.path("b")]).expect_code(0).stdout;
    assert!(inspected.contains("\nsigned        by ed25519:"), "{inspected}");
    let json = run(["inspect".into(), signed.path("b"), "--format=json".into()]).expect_code(0).json();
    assert_eq!(json["signed"]["fits"], true);

    assert!(signed.verify(&["ours.pub"]).expect_code(0).stdout.contains(", whom you trust\n"));
    assert!(signed.verify(&["theirs.pub", "ours.pub"]).expect_code(0).stdout.ends_with("\nverified\n"));
    let nobody = signed.verify(&[]).expect_code(0).stdout;
    assert!(nobody.contains("; `--key` says whom you trust\n"), "{nobody}");
    let refused = signed.verify(&["theirs.pub"]).expect_code(1).stdout;
    assert!(refused.contains("which is none of the keys that are trusted"), "{refused}");
    assert!(refused.ends_with("\nnot verified\n"), "{refused}");

    // By somebody else, put in place of ours.
    fs::copy(signed.path("b"), signed.path("c")).expect("a copy");
    let other = [
        "build".into(),
        example("acme"),
        "-o".into(),
        signed.path("c"),
        "--sign".into(),
        signed.path("theirs"),
    ];
    run(other).expect_code(0);
    let elsewhere = ["verify".into(), signed.path("b"), "--signature".into(), signed.path("c.sig")];
    run(elsewhere.clone()).expect_code(0);
    run(elsewhere.into_iter().chain(["--key".into(), signed.path("ours.pub")])).expect_code(1);
}

#[test]
fn what_was_changed_or_not_signed_is_refused() {
    let signed = Signed::new();
    let (bundle, signature) =
        (fs::read(signed.path("b")).expect("a file"), fs::read(signed.path("b.sig")).expect("a file"));
    let refused = |what: &str| {
        let refused = signed.verify(&["ours.pub"]).expect_code(1).stdout;
        assert!(refused.contains("signature     refused: ") && refused.contains(what), "{refused}");
    };
    for at in [0, 20, bundle.len() / 2, bundle.len() - 1] {
        let mut changed = bundle.clone();
        changed[at] ^= 1;
        fs::write(signed.path("b"), changed).expect("a file");
        refused("does not fit the bundle");
    }
    // Another bundle that is intact.
    run(["build".into(), example("audit-14-7"), "-o".into(), signed.path("b")]).expect_code(0);
    refused("does not fit the bundle");
    let inspected = run(["inspect".into(), signed.path("b")]).expect_code(0).stdout;
    assert!(inspected.contains("signed        badly: the signature does not fit"), "{inspected}");
    fs::write(signed.path("b"), &bundle).expect("a file");

    for at in 0..signature.len() {
        let mut changed = signature.clone();
        changed[at] ^= 1;
        if at % 7 == 0 {
            fs::write(signed.path("b.sig"), changed).expect("a file");
            refused("signature");
        }
    }
    fs::write(signed.path("b.sig"), &signature[..signature.len() - 1]).expect("a file");
    refused("it is no signature of format 1");
    fs::remove_file(signed.path("b.sig")).expect("a file");
    refused("the bundle is not signed");
    signed.verify(&[]).expect_code(0);
}

#[test]
fn wrong_keys_are_told_before_any_work() {
    let signed = Signed::new();
    let build = |key: &str| {
        run([
            "build".into(),
            example("acme"),
            "-o".into(),
            signed.path("n"),
            "--sign".into(),
            signed.path(key),
        ])
    };
    let told = build("ours.pub").expect_code(2).stderr;
    assert!(told.contains("it holds a public key; a private key is wanted here"), "{told}");
    assert!(build("nowhere").expect_code(2).stderr.contains("cannot read `"));
    assert!(!signed.path("n").exists(), "nothing is built that can't be signed");
    let told = signed.verify(&["ours"]).expect_code(2).stderr;
    assert!(told.contains("it holds a private key; give the public one"), "{told}");

    // A key that others may read is used, with a warning.
    fs::set_permissions(signed.path("ours"), fs::Permissions::from_mode(0o644)).expect("our file");
    let told = signed.build().expect_code(0).stderr;
    assert!(told.contains("others than its owner may read"), "{told}");
    // A signature of what was there before is told of.
    let stale = ["build".into(), example("audit-14-7"), "-o".into(), signed.path("b")];
    let told = run(stale).expect_code(0).stderr;
    assert!(told.contains("does not fit this bundle"), "{told}");
}

/// Tries to serve a bundle, and tells what is said where that is refused.
fn not_served(signed: &Signed, bundle: &Path, keys: &str) -> String {
    let mut command = ordain();
    command.args(["serve", "--dev", "--listen", "127.0.0.1:0", "--bundle"]).arg(bundle);
    command.arg("--database").arg(format!("sqlite://{}", signed.path("refused.db").display()));
    command.args(["--set", &format!("bundles.keys={keys}")]);
    Run::of(command.output().expect("the binary starts")).expect_code(2).stderr
}

#[test]
fn a_server_takes_what_its_keys_have_signed() {
    let signed = Signed::new();
    let keys = |names: &[&str]| {
        names.iter().map(|name| signed.path(name).display().to_string()).collect::<Vec<_>>().join(",")
    };
    let (ours, theirs) = (keys(&["ours.pub"]), keys(&["theirs.pub"]));
    let check = |keys: &str| {
        let mut command = ordain();
        command.args(["config", "check", "--set", &format!("bundles.keys={keys}"), "--bundle"]);
        Run::of(command.arg(signed.path("b")).output().expect("the binary starts"))
    };
    check(&ours).expect_code(0);
    let told = check(&theirs).expect_code(1).stdout;
    assert!(told.contains("which is none of `bundles.keys`"), "{told}");
    let told = check(&keys(&["ours", "nowhere"])).expect_code(1).stdout;
    assert!(
        told.contains("`bundles.keys`: `") && told.contains("it holds a private key; give the public one"),
        "{told}"
    );
    assert!(told.contains("cannot read `"), "{told}");

    assert!(not_served(&signed, &signed.path("b"), &theirs).contains("none of the keys that are trusted"));
    assert!(not_served(&signed, &example("acme"), &ours).contains("`ordain build --sign KEY`"));
    fs::copy(signed.path("b"), signed.path("plain")).expect("a copy");
    assert!(not_served(&signed, &signed.path("plain"), &ours).contains("the bundle is not signed"));

    let database = format!("sqlite://{}", signed.path("ordain.db").display());
    let setting = format!("bundles.keys={}", keys(&["theirs.pub", "ours.pub"]));
    let server = Server::start_with(&signed.path("b"), &database, &["--set", &setting]);
    let digest = server.get("/readyz").1["bundle"].clone();
    // As one would send it by hand.
    run([
        "build".into(),
        example("audit-14-7"),
        "-o".into(),
        signed.path("n"),
        "--sign".into(),
        signed.path("theirs"),
    ])
    .expect_code(0);
    let bytes = fs::read_to_string(signed.path("n")).expect("a bundle");
    let line = fs::read_to_string(signed.path("n.sig")).expect("a signature").replace('\n', " ");
    let put = |header: &str| server.put("/api/v1/bundles", header, &bytes);
    let (status, error) = put("");
    assert_eq!((status, &error["code"]), (422, &json!("bundle_untrusted")), "{error}");
    let (status, stored) = put(&format!("Bundle-Signature: {line}\r\n"));
    assert_eq!(status, 200, "{stored}");
    assert_eq!(server.get("/readyz").1["bundle"], digest);
    let path = format!("/api/v1/bundles/{}/activate", stored["digest"].as_str().expect("a name"));
    assert_eq!(server.send("POST", &path, "ada", &json!({})).0, 200);
    server.stopped();

    // The key of what is active has gone: it stays, and the log says so.
    let setting = format!("bundles.keys={ours}");
    let server =
        Server::start_by(|server| server.args(["--dev", "--database", &database, "--set", &setting]));
    assert_eq!(server.get("/readyz").1["bundle"], stored["digest"]);
    let log = server.stopped();
    assert!(
        log.contains("what is active would be refused today") && log.contains("none of the keys"),
        "{log}"
    );
}
