//! What an edit costs in an editor, until the findings of the open file are there: with what the compiler says and the
//! conflicts that surely stand, and with all conflicts proved.

use std::path::Path;
use std::sync::Arc;

use ordain_ide::{Analysed, Checked, Workspace};
use ordain_tests::measure::{Mark, Took};
use ordain_tests::workload::Workload;

use crate::EDITS;

/// What edits of one kind took, each in another file.
pub(crate) struct Edits {
    pub(crate) what: &'static str,
    /// Until the compiler's findings are there.
    pub(crate) checked: Vec<Took>,
    /// Until the conflicts are, too.
    pub(crate) proved: Vec<Took>,
}

/// From one text of a file to the next.
type Change = fn(&str) -> String;

/// Makes a workspace on disk, opens one file after the other, and edits it.
pub(crate) fn edits(wanted: usize) -> Vec<Edits> {
    let root = tempfile::tempdir().expect("a folder for a while");
    let workload = Workload::new(1, wanted);
    std::fs::write(root.path().join("ordain.yaml"), "name: w\nlanguage: \"1\"\n").expect("writes");
    for (file, text) in &workload.files {
        let path = root.path().join(file);
        std::fs::create_dir_all(path.parent().expect("it lies in the folder")).expect("makes folders");
        std::fs::write(path, text).expect("writes");
    }
    let mut workspace = Workspace::load(root.path());
    let checked = workspace.snapshot().check();
    let mut analysed = search(&workspace, &checked);
    let changes: [(&'static str, Change); 3] = [
        ("white space", |text| text.replacen("  enforce", "    enforce", 1)),
        ("one condition", |text| text.replacen("  when      ", "  when      run.attended and ", 1)),
        ("a new rule", |text| {
            format!("{text}\nrule new {{ type safety enforce warn scope tenant unit-01 }}\n")
        }),
    ];
    let team = |go: usize| &workload.files[1 + go * (workload.files.len() - 1) / EDITS];
    // What an editor shows as it opens them.
    for go in 0..EDITS {
        let file = &team(go).0;
        checked.findings_in(&|other| other == file, Some(&analysed));
    }
    drop(checked);
    let measured = changes.map(|(what, change)| {
        let mut out = Edits { what, checked: vec![], proved: vec![] };
        for go in 0..EDITS {
            let (file, text) = team(go);
            let (checked, proved) = edit(&mut workspace, root.path(), file, &change(text), &mut analysed);
            out.checked.push(checked);
            out.proved.push(proved);
        }
        // As before for the next kind.
        for go in 0..EDITS {
            let (file, text) = team(go);
            edit(&mut workspace, root.path(), file, text, &mut analysed);
        }
        out
    });
    measured.into()
}

fn search(workspace: &Workspace, checked: &Checked) -> Analysed {
    let (analysis, _running) = workspace.analysis(checked.policies());
    analysis.run().unwrap_or_else(|_| panic!("nobody stops it"))
}

fn edit(
    workspace: &mut Workspace,
    root: &Path,
    file: &str,
    text: &str,
    analysed: &mut Analysed,
) -> (Took, Took) {
    let start = Mark::now();
    workspace.set_buffer(&root.join(file), text);
    let checked = workspace.snapshot().check();
    let shown = checked.findings_in(&|other| other == file, Some(analysed));
    let middle = Mark::now();
    if !Arc::ptr_eq(analysed.policies(), checked.policies()) && analysed.policies() != checked.policies() {
        *analysed = search(workspace, &checked);
        let proved = checked.findings_in(&|other| other == file, Some(analysed));
        assert!(!proved.is_empty() && !shown.is_empty(), "the workload has conflicts everywhere");
    }
    (middle.since(start), Mark::now().since(start))
}
