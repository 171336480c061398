//! Runs the specifications in `specs/*.md`; how they are written stands in `ordain_tests::spec`.
//!
//! `ORDAIN_SPEC` runs only the cases whose file and title contain its text.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use ordain_tests::spec;

#[test]
fn specifications_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
    let wanted = std::env::var("ORDAIN_SPEC").unwrap_or_default();
    let mut paths: Vec<_> = fs::read_dir(&folder)
        .expect("the specifications")
        .map(|entry| entry.expect("a file").path())
        .collect();
    paths.sort();
    let (mut run, mut failures) = (0, String::new());
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
        let file = path.file_name().expect("a name").to_string_lossy().into_owned();
        let text = fs::read_to_string(path).expect("readable");
        let cases = spec::parse(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
        for case in cases.iter().filter(|case| format!("{file} {}", case.title).contains(&wanted)) {
            run += 1;
            if let Err(mismatch) = spec::check(case) {
                let _ = write!(failures, "{file}:{}: {}\n{mismatch}", case.line, case.title);
            }
        }
    }
    assert!(run > 0, "no case has `{wanted}` in its title");
    assert!(failures.is_empty(), "\n{failures}");
}
