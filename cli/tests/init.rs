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
fn a_workspace_of_teams_passes_everything() {
    let folder = tempfile::tempdir().unwrap();
    let said = within(folder.path(), &["init", "--template", "team"]).expect_code(0).stdout;
    assert!(
        said.starts_with("a workspace of three teams:\n  ordain.yaml\n  platform/facts.ordain\n"),
        "{said}"
    );
    let checked = within(folder.path(), &["check"]).expect_code(0).stdout;
    assert_eq!(checked, "11 policies in 4 files: no contradictions\n");
    let tested = within(folder.path(), &["test"]).expect_code(0).stdout;
    assert!(tested.contains("4 tests: 4 passed"), "{tested}");
    within(folder.path(), &["fmt", "--check"]).expect_code(0);
    let decided = within(folder.path(), &["eval", ".", "request.json"]).expect_code(0).stdout;
    assert!(decided.contains("rule `support.no-personal-export` says BLOCK"), "{decided}");
    let owners = fs::read_to_string(folder.path().join("CODEOWNERS")).unwrap();
    let owned =
        owners.lines().filter(|line| line.starts_with('/')).filter_map(|line| line[1..].split(' ').next());
    for place in owned {
        assert!(folder.path().join(place).exists(), "{place}");
    }
}

/// What a shell says to a command in a folder, with the program on its path.
fn shell(folder: &Path, command: &str) -> Run {
    let program = Path::new(env!("CARGO_BIN_EXE_ordain")).parent().expect("lies in a folder");
    let mut places = vec![program.to_owned()];
    places.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let mut shell = std::process::Command::new("sh");
    shell.args(["-e", "-c", command]).current_dir(folder);
    shell.env("PATH", std::env::join_paths(places).expect("paths")).env("NO_COLOR", "1");
    shell.env("GITHUB_BASE_REF", "main").env("GITHUB_STEP_SUMMARY", "summary.md");
    Run::of(shell.output().expect("there is a shell"))
}

/// Every command of the gate, run as it stands there.
#[test]
fn the_gate_lets_a_new_workspace_through() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    within(root, &["init", "--template", "ci"]).expect_code(0);
    let identity = "-c user.name=a -c user.email=a@example.com";
    shell(root, &format!("git init -q && git add . && git {identity} commit -qm first")).expect_code(0);
    shell(root, "git update-ref refs/remotes/origin/main HEAD").expect_code(0);
    let read = |file: &str| -> serde_yaml::Value {
        serde_yaml::from_str(&fs::read_to_string(root.join(file)).unwrap()).expect("YAML")
    };
    let github = read(".github/workflows/policies.yml");
    let steps = github["jobs"]["policies"]["steps"].as_sequence().unwrap();
    let gitlab = read(".gitlab-ci.yml");
    let commands = steps.iter().filter_map(|step| step["run"].as_str());
    let commands = commands
        .chain(gitlab["policies"]["script"].as_sequence().unwrap().iter().filter_map(|it| it.as_str()));
    let commands: Vec<_> = commands.collect();
    assert_eq!(commands.len(), 9);
    for command in &commands {
        shell(root, command).expect_code(0);
    }
    let reports = &gitlab["policies"]["artifacts"]["reports"];
    for made in [
        "policies.ordain-bundle",
        "summary.md",
        reports["codequality"].as_str().unwrap(),
        reports["junit"].as_str().unwrap(),
    ] {
        assert!(root.join(made).metadata().is_ok_and(|file| file.len() > 0), "{made}");
    }
    // And what contradicts itself not.
    let policies = root.join("policies/support.ordain");
    let text = fs::read_to_string(&policies).unwrap();
    let floor = "limit floor {\n  type      runs_daily\n  at least  300\n  enforce   block\n  scope     project acme/support\n  per       agent\n}\n";
    fs::write(&policies, format!("{text}\n{floor}")).unwrap();
    let stopped = shell(root, commands.iter().find(|command| command.contains("ordain check")).unwrap());
    assert_eq!(stopped.code, Some(1), "{stopped:?}");
}

#[test]
fn what_is_there_is_replaced_if_asked_for() {
    let folder = support::workspace(&[("ordain.yaml", "name: mine\n"), ("notes.txt", "mine")]);
    within(folder.path(), &["init", "--force"]).expect_code(0);
    assert!(fs::read_to_string(folder.path().join("ordain.yaml")).unwrap().contains("sources: [policies]"));
    assert_eq!(fs::read_to_string(folder.path().join("notes.txt")).unwrap(), "mine");
    within(folder.path(), &["check"]).expect_code(0);
    let folder = support::workspace(&[("ordain.yaml/mine", "mine")]);
    let said = within(folder.path(), &["init", "--force"]).expect_code(2).stderr;
    assert!(said.contains("`ordain.yaml` is no file, and is not replaced"), "{said}");
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
