//! A bundle's evidence is checked again, and evidence that proves nothing is refused.

mod support;

use std::fs;

use ordain_ir::Bundle;
use support::{example, run};

#[test]
fn evidence_is_checked_again_and_planted_evidence_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("audit.ordain-bundle");
    run(["build".into(), example("audit-14-7"), "-o".into(), path.clone()]).expect_code(0);
    let verified = run([&"verify".into(), &path]).expect_code(0).stdout;
    assert!(verified.contains("witnesses     1 decided again"), "{verified}");
    assert!(verified.ends_with("\nverified\n"), "{verified}");

    let (mut bundle, _) = Bundle::from_bytes(&fs::read(&path).expect("the bundle")).expect("a bundle");
    std::sync::Arc::make_mut(&mut bundle.analysis.conflicts[0]).witness = None;
    let (bytes, digest) = bundle.to_bytes();
    fs::write(&path, bytes).expect("a file");
    let refused = run([&"verify".into(), &path]).expect_code(1).stdout;
    assert!(refused.contains("it is called proved, with neither a witness nor a certificate"), "{refused}");
    assert!(refused.ends_with("\nnot verified: 1 finding refused\n"), "{refused}");

    let json = run(["verify".into(), path, "--format=json".into()]).expect_code(1).json();
    assert_eq!((&json["verified"], &json["digest"]), (&false.into(), &digest.into()));
    assert_eq!(json["refused"][0]["policies"].as_array().map(Vec::len), Some(2));
}
