//! Every fix of every diagnostic in the specifications mends what it is offered for, and leaves no more errors.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use ordain_compiler::compile_str;
use ordain_ir::{Diagnostic, Severity};
use ordain_tests::spec;

/// The codes that have a fix. Beside them `allow`s that allow nothing (ORD0902) and settings of `ordain.yaml` (ORD0801)
/// have one, which `cli/tests/fix.rs` tries.
const MENDED: &[&str] = &[
    "ORD0101", "ORD0102", "ORD0105", "ORD0107", "ORD0108", "ORD0110", "ORD0111", "ORD0112", "ORD0201",
    "ORD0203", "ORD0204", "ORD0206", "ORD0212", "ORD0213", "ORD0214", "ORD0215", "ORD0220", "ORD0228",
    "ORD0229", "ORD0232", "ORD0233", "ORD0234", "ORD0235", "ORD0236", "ORD0237", "ORD0501", "ORD0502",
    "ORD0503", "ORD0504", "ORD0601", "ORD0603", "ORD0604", "ORD0606",
];

fn found(files: &[(String, String)]) -> Vec<Diagnostic> {
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    compile_str(&files).diagnostics
}

fn errors(found: &[Diagnostic]) -> usize {
    found.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count()
}

#[test]
fn every_fix_mends_and_breaks_nothing() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let (mut mended, mut certain, mut wrong) = (BTreeSet::new(), 0, vec![]);
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
        for case in spec::parse(&fs::read_to_string(path).unwrap()).unwrap() {
            // What `ordain.yaml` asks for plays no part in syntax, names and types.
            if case.files.is_empty() {
                continue;
            }
            let before = found(&case.files);
            for diagnostic in &before {
                for fix in &diagnostic.fixes {
                    let mut files = case.files.clone();
                    let Some((_, text)) = files.iter_mut().find(|(file, _)| *file == fix.file) else {
                        wrong.push(format!("{}: `{}` is in another file", case.title, fix.title));
                        continue;
                    };
                    let (span, replacement) = fix.edit(text);
                    text.replace_range(span.range(), replacement);
                    let after = found(&files);
                    let same = |other: &&Diagnostic| {
                        (&other.code, &other.message) == (&diagnostic.code, &diagnostic.message)
                    };
                    let count = |all: &[Diagnostic]| all.iter().filter(same).count();
                    if count(&after) >= count(&before) || errors(&after) > errors(&before) {
                        let left: Vec<_> =
                            after.iter().map(|it| format!("{}: {}", it.code, it.message)).collect();
                        wrong.push(format!(
                            "{}: {} `{}`: {} leaves\n    {}",
                            case.title,
                            diagnostic.code,
                            diagnostic.message,
                            fix.title,
                            left.join("\n    ")
                        ));
                    }
                    mended.insert(diagnostic.code.to_string());
                    certain += usize::from(fix.certain);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} fixes are none:\n{}", wrong.len(), wrong.join("\n"));
    assert!(certain > 20, "only {certain} fixes are certain");
    let expected: BTreeSet<String> = MENDED.iter().map(ToString::to_string).collect();
    assert_eq!(mended, expected, "the codes that have a fix are others now");
}
