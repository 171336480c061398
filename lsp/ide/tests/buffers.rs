//! Whatever an editor opens, changes and closes, and whatever happens on disk meanwhile, what is shown is what a fresh
//! start on the same files and buffers would show.

use std::collections::BTreeMap;

use ordain_ide::Workspace;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    /// Bytes on disk, and the editor notices; `None` deletes the file.
    Disk(usize, Option<Vec<u8>>),
    Buffer(usize, String),
    Close(usize),
}

/// One lies outside the source folders, so its text never counts.
const FILES: [&str; 3] = ["policies/a.ordain", "policies/team/b.ordain", "drafts/c.ordain"];

fn text() -> impl Strategy<Value = String> {
    let mode = prop_oneof!["block", "warn", "nonsense"];
    (mode, 0..3_usize).prop_map(|(mode, lines)| {
        let lines = "\n".repeat(lines);
        format!("package p\n{lines}rule r {{ type safety  enforce {mode}  scope global }}\n")
    })
}

fn step() -> impl Strategy<Value = Step> {
    let file = || 0..FILES.len();
    let bytes = prop_oneof![
        3 => text().prop_map(|text| Some(text.into_bytes())),
        // Not UTF-8, so that it can't be read.
        1 => Just(Some(vec![b'/', b'/', 0xff])),
        1 => Just(None),
    ];
    prop_oneof![
        2 => (file(), bytes).prop_map(|(file, bytes)| Step::Disk(file, bytes)),
        4 => (file(), text()).prop_map(|(file, text)| Step::Buffer(file, text)),
        2 => file().prop_map(Step::Close),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn buffers_lie_over_files(steps in proptest::collection::vec(step(), 1..12)) {
        let root = tempfile::tempdir().unwrap();
        let path = |file: usize| root.path().join(FILES[file]);
        std::fs::write(root.path().join("ordain.yaml"), "name: w\nlanguage: \"1\"\nsources: [policies]\n").unwrap();
        for file in 0..FILES.len() {
            std::fs::create_dir_all(path(file).parent().unwrap()).unwrap();
        }
        let mut workspace = Workspace::load(root.path());
        let mut buffers: BTreeMap<usize, String> = BTreeMap::new();
        for step in steps {
            let shown = workspace.snapshot().check().findings(None);
            let changed = match step {
                Step::Disk(file, Some(bytes)) => {
                    std::fs::write(path(file), bytes).unwrap();
                    workspace.reload()
                }
                Step::Disk(file, None) => {
                    let _ = std::fs::remove_file(path(file));
                    workspace.reload()
                }
                Step::Buffer(file, text) => {
                    buffers.insert(file, text.clone());
                    workspace.set_buffer(&path(file), &text)
                }
                Step::Close(file) => {
                    buffers.remove(&file);
                    workspace.close_buffer(&path(file))
                }
            };
            let mut fresh = Workspace::load(root.path());
            for (file, text) in &buffers {
                fresh.set_buffer(&path(*file), text);
            }
            let (now, cold) = (workspace.snapshot().check(), fresh.snapshot().check());
            prop_assert_eq!(now.policies(), cold.policies());
            let found = now.findings(None);
            prop_assert_eq!(&found, &cold.findings(None));
            prop_assert!(changed || found == shown, "what changed was not told");
        }
    }
}
