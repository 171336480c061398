//! `init`: a workspace to start from, which passes whatever it is asked.

mod support;

use std::fs;
use std::path::Path;

use support::{Run, ordain};

fn within(folder: &Path, args: &[&str]) -> Run {
    Run::of(ordain().args(args).current_dir(folder).output().expect("the binary starts"))
}

#[test]
fn a_new_workspace_passes_everything() {
    for (folder, next) in
        [("shop", "  cd shop\n"), ("my shop's", "  cd 'my shop'\\''s'\n"), (".", "next:\n  ordain")]
    {
        let above = tempfile::tempdir().unwrap();
        let said = within(above.path(), &["init", folder]).expect_code(0).stdout;
        assert!(said.contains(next), "{said}");
        let root = above.path().join(folder);
        assert_eq!(
            within(&root, &["check"]).expect_code(0).stdout,
            "3 policies in 1 file: no contradictions\n"
        );
        let tested = within(&root, &["test"]).expect_code(0).stdout;
        assert!(tested.contains("2 tests: 2 passed"), "{tested}");
        within(&root, &["fmt", "--check"]).expect_code(0);
        let decided = within(&root, &["eval", ".", "request.json"]).expect_code(0).stdout;
        assert!(
            decided.starts_with(
                "BLOCK\n  rule `support.no-large-refunds` says BLOCK, the strictest that is said\n"
            ),
            "{decided}"
        );
        // Who isn't listed is told so wherever something is decided.
        let listed = fs::read_to_string(root.join("ordain.yaml")).unwrap() + "agents: [acme/sales]\n";
        fs::write(root.join("ordain.yaml"), listed).unwrap();
        for args in [&["test"][..], &["eval", ".", "request.json"]] {
            let said = within(&root, args).expect_code(1).stdout;
            assert!(said.contains("at `path`: unknown agent `acme/support/clerk`"), "{said}");
        }
        within(&root, &["build", "-o", "w.ordain-bundle"]).expect_code(0);
        let shown = within(&root, &["inspect", "w.ordain-bundle"]).expect_code(0).stdout;
        let name = fs::canonicalize(&root).unwrap().file_name().unwrap().to_string_lossy().into_owned();
        assert!(shown.contains(&name), "{shown}");
    }
}

#[test]
fn nothing_is_replaced() {
    for (file, text) in [("ordain.yaml", "name: mine\n"), ("policies/support.ordain", "package mine\n")] {
        let folder = support::workspace(&[(file, text)]);
        let said = within(folder.path(), &["init"]).expect_code(2).stderr;
        assert!(said.contains(&format!("`{file}` is there already, and is not replaced")), "{said}");
        assert_eq!(fs::read_to_string(folder.path().join(file)).unwrap(), text);
        let others =
            ["ordain.yaml", "policies/support.ordain", "request.json"].into_iter().filter(|it| *it != file);
        assert!(others.map(|it| folder.path().join(it)).all(|path| !path.exists()));
    }
    // Nor is a file taken for a folder.
    let folder = support::workspace(&[("policies", "mine")]);
    within(folder.path(), &["init"]).expect_code(2);
    assert_eq!(fs::read_to_string(folder.path().join("policies")).unwrap(), "mine");
    assert!(!folder.path().join("ordain.yaml").exists());
}
