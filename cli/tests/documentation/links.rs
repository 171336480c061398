//! Every link leads somewhere, and every page of the book can be reached.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use pulldown_cmark::{Event, Tag, TagEnd};

use super::blocks::events;
use super::support::root;
use super::{book, others, shown};

/// Links to files that the book doesn't hold lead to the repository, since the HTML stands alone.
const REPOSITORY: &str = "https://github.com/ordain-policy/ordain/blob/main/";

/// What a page offers and what it asks for.
struct Page {
    anchors: BTreeSet<String>,
    links: Vec<String>,
}

fn read(path: &Path) -> Page {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", shown(path)));
    let mut page = Page { anchors: BTreeSet::new(), links: vec![] };
    let mut heading: Option<String> = None;
    for event in events(&text) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => {
                let slug = slug(&heading.take().unwrap_or_default());
                let again = (1..=page.anchors.len())
                    .map(|n| format!("{slug}-{n}"))
                    .find(|name| !page.anchors.contains(name));
                let fresh = !page.anchors.contains(&slug);
                page.anchors.extend(if fresh { Some(slug) } else { again });
            }
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                page.links.push(dest_url.into_string());
            }
            Event::Html(html) | Event::InlineHtml(html) => {
                let ids = html.split("id=\"").skip(1).filter_map(|rest| rest.split('"').next());
                page.anchors.extend(ids.map(ToOwned::to_owned));
            }
            _ => {}
        }
    }
    page
}

/// The anchor that both GitHub and mdBook give a heading.
fn slug(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ' '));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

/// What is wrong with the links of these pages.
fn broken(pages: &BTreeMap<PathBuf, Page>) -> Vec<String> {
    let inside = root().join("docs/src");
    let mut found = vec![];
    for (path, page) in pages {
        for link in &page.links {
            let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
            let file = match target.strip_prefix(REPOSITORY) {
                Some(file) => root().join(file),
                None if target.contains("://") || target.starts_with("mailto:") => continue,
                None if target.is_empty() => path.clone(),
                None => plain(&path.parent().expect("a file").join(target)),
            };
            let mut wrong = |what: &str| found.push(format!("{}: `{link}` {what}", shown(path)));
            if !file.exists() {
                wrong("leads nowhere");
                continue;
            }
            if path.starts_with(&inside) && !file.starts_with(&inside) && !target.contains("://") {
                wrong(&format!("leads out of the book; write {REPOSITORY}…"));
            }
            let knows = |page: &Page| page.anchors.contains(anchor);
            let is_page = file.extension().is_some_and(|extension| extension == "md");
            if !anchor.is_empty() && is_page && !pages.get(&file).map_or_else(|| knows(&read(&file)), knows) {
                wrong("names no heading there");
            }
        }
    }
    found
}

#[test]
fn every_link_leads_somewhere() {
    let pages: BTreeMap<PathBuf, Page> =
        book().into_iter().chain(others()).map(|path| (path.clone(), read(&path))).collect();
    let links: usize = pages.values().map(|page| page.links.len()).sum();
    assert!(links > 200, "only {links} links are seen");
    let broken = broken(&pages);
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn a_broken_link_is_named() {
    let from = root().join("docs/src/introduction.md");
    let page = |links: &[&str]| Page {
        anchors: BTreeSet::from(["here".to_owned()]),
        links: links.iter().map(ToString::to_string).collect(),
    };
    let wrong = ["#there", "nowhere.md", "tutorial.md#nowhere", "../../README.md"];
    let right = ["#here", "tutorial.md", "https://example.com/x#y", &format!("{REPOSITORY}README.md")];
    let pages = BTreeMap::from([(from, page(&[&wrong[..], &right[..]].concat()))]);
    let found = broken(&pages);
    assert_eq!(found.len(), wrong.len(), "{found:?}");
    for link in wrong {
        assert!(found.iter().any(|line| line.contains(&format!("`{link}`"))), "{link}: {found:?}");
    }
    assert_eq!(slug("What `ordain test` says: all of it"), "what-ordain-test-says-all-of-it");
}
