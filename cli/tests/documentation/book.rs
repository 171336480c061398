//! The table of contents holds every page once, and what it lists of codes is what there is.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use pulldown_cmark::{Event, Tag};

use super::blocks::events;
use super::support::root;
use super::{book, shown};

fn folder() -> PathBuf {
    root().join("docs/src")
}

#[test]
fn every_page_is_in_the_contents_once() {
    let summary = fs::read_to_string(folder().join("SUMMARY.md")).expect("it is there");
    let mut listed = BTreeSet::new();
    for event in events(&summary) {
        if let Event::Start(Tag::Link { dest_url, .. }) = event {
            assert!(listed.insert(folder().join(&*dest_url)), "{dest_url} is listed twice");
        }
    }
    let pages: BTreeSet<PathBuf> =
        book().into_iter().filter(|page| page.file_name().is_some_and(|name| name != "SUMMARY.md")).collect();
    let missing: Vec<_> = pages.difference(&listed).map(|page| shown(page)).collect();
    assert!(missing.is_empty(), "SUMMARY.md lacks {}", missing.join(", "));
    let gone: Vec<_> = listed.difference(&pages).map(|page| shown(page)).collect();
    assert!(gone.is_empty(), "SUMMARY.md names {}, which is not there", gone.join(", "));
}

/// The contents with a line for each code's page, by the page's heading.
fn with_codes(summary: &str) -> String {
    let is_code = |line: &&str| line.trim_start().starts_with("- [ORD");
    let pages = book().into_iter().filter(|page| {
        page.parent().is_some_and(|folder| folder.ends_with("codes"))
            && page.file_stem().is_some_and(|name| name.to_string_lossy().starts_with("ORD"))
    });
    let codes = pages.map(|page| {
        let text = fs::read_to_string(&page).expect("it is there");
        let heading = text.lines().next().unwrap_or_default().trim_start_matches("# ").to_owned();
        let name = page.file_name().expect("a file").to_string_lossy().into_owned();
        format!("  - [{heading}](codes/{name})")
    });
    let mut out: Vec<String> = vec![];
    for line in summary.lines().filter(|line| !is_code(line)) {
        out.push(line.to_owned());
        if line.contains("(codes.md)") {
            out.extend(codes.clone());
        }
    }
    out.join("\n") + "\n"
}

#[test]
fn the_contents_name_every_code_by_its_title() {
    let file = folder().join("SUMMARY.md");
    let summary = fs::read_to_string(&file).expect("it is there");
    let renewed = with_codes(&summary);
    if std::env::var_os("ORDAIN_BLESS").is_some() {
        fs::write(&file, &renewed).expect("a file");
    }
    assert!(
        fs::read_to_string(&file).expect("it is there") == renewed,
        "the codes in docs/src/SUMMARY.md are not those of docs/src/codes; renew them with \
         `ORDAIN_BLESS=1 cargo test -p ordain --test documentation contents`"
    );
}
