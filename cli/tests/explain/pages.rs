//! The pages of the codes, `docs/src/codes`: each has its sections, what it calls wrong yields its code and no other
//! that the page doesn't name, and what it calls right yields nothing.
//!
//! In a section, `ordain` and `yaml` blocks are files, named by a comment on their first line where the name matters;
//! `sh` blocks hold commands. Without commands, the files are checked as a workspace. An `ordain` block under "How to
//! configure" is what makes the finding of "Wrong" acceptable when it is added there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use ordain_ir::codes;
use serde_json::Value;

use crate::support::{ordain, root, run};

const SECTIONS: [&str; 5] = ["What it says", "Why it matters", "Wrong", "Right", "How to configure"];

fn folder() -> PathBuf {
    root().join("docs/src/codes")
}

struct Block {
    language: String,
    text: String,
}

/// A page's heading, its sections in order with their blocks and how many words stand around them, and these words.
struct Page {
    heading: String,
    sections: Vec<(String, Vec<Block>, usize)>,
    prose: String,
}

fn parse(markdown: &str) -> Page {
    let mut page = Page { heading: String::new(), sections: vec![], prose: String::new() };
    let mut open: Option<Block> = None;
    for line in markdown.lines() {
        if let Some(block) = &mut open {
            if line == "```" {
                let (_, blocks, _) = page.sections.last_mut().expect("blocks stand in sections");
                blocks.extend(open.take());
            } else {
                block.text.push_str(line);
                block.text.push('\n');
            }
        } else if let Some(language) = line.strip_prefix("```") {
            open = Some(Block { language: language.to_owned(), text: String::new() });
        } else if let Some(name) = line.strip_prefix("## ") {
            page.sections.push((name.to_owned(), vec![], 0));
        } else if let Some(heading) = line.strip_prefix("# ") {
            heading.clone_into(&mut page.heading);
        } else if let Some((_, _, words)) = page.sections.last_mut() {
            *words += line.split_whitespace().count();
            page.prose.push_str(line);
            page.prose.push('\n');
        }
    }
    assert!(open.is_none(), "a block is not closed");
    page
}

impl Page {
    fn blocks(&self, section: &str) -> &[Block] {
        let found = self.sections.iter().find(|(name, _, _)| name == section);
        found.map_or(&[], |(_, blocks, _)| blocks)
    }
}

fn pages() -> BTreeMap<String, Page> {
    let entries =
        fs::read_dir(folder()).expect("there are pages").map(|entry| entry.expect("readable").path());
    let pages = entries.filter_map(|path| {
        let name = path.file_stem()?.to_str()?.to_owned();
        name.starts_with("ORD").then(|| (name, parse(&fs::read_to_string(path).expect("it is text"))))
    });
    pages.collect()
}

/// The codes that these blocks yield, those of accepted findings left out, and what was printed.
fn yielded(blocks: &[&Block]) -> (BTreeSet<String>, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut commands = String::new();
    let mut unnamed = 0;
    for block in blocks {
        let default = match block.language.as_str() {
            "ordain" => format!("acme/rules{unnamed}.ordain"),
            "yaml" => "ordain.yaml".to_owned(),
            "sh" => {
                commands.push_str(&block.text);
                continue;
            }
            other => panic!("`{other}` blocks have no meaning here"),
        };
        unnamed += 1;
        let first = block.text.lines().next().unwrap_or_default();
        let name = first.strip_prefix("// ").or(first.strip_prefix("# ")).filter(|name| {
            !name.contains(' ') && Path::new(name).extension().is_some_and(|e| e == "ordain" || e == "yaml")
        });
        let path = folder.path().join(name.unwrap_or(&default));
        fs::create_dir_all(path.parent().expect("in the folder")).expect("a folder");
        fs::write(path, &block.text).expect("a file");
    }
    if !commands.is_empty() {
        let program = Path::new(env!("CARGO_BIN_EXE_ordain")).parent().expect("in a folder");
        let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
        let output = Command::new("sh")
            .args(["-c", &format!("exec 2>&1\n{commands}")])
            .current_dir(folder.path())
            .env("PATH", path)
            .env("NO_COLOR", "1")
            .output()
            .expect("there is a shell");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        return (mentioned(&text), text);
    }
    let output = ordain().arg("check").arg(folder.path()).arg("--format=json").output().expect("it starts");
    let text = String::from_utf8(output.stdout).expect("output is UTF-8");
    let Ok(found) = serde_json::from_str::<Value>(&text) else {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        return (mentioned(&text), text);
    };
    let list = |key: &str| found[key].as_array().cloned().unwrap_or_default();
    let open = |finding: &Value| finding.get("resolved").is_none_or(|resolved| resolved == false);
    let all = list("diagnostics").into_iter().chain(list("conflicts")).filter(open);
    (all.map(|finding| finding["code"].as_str().expect("a code").to_owned()).collect(), text)
}

/// The codes that a text mentions.
fn mentioned(text: &str) -> BTreeSet<String> {
    let starts = text.match_indices("ORD").map(|(at, _)| at);
    let codes = starts.filter_map(|at| text.get(at..at + 7));
    codes.filter(|code| code[3..].bytes().all(|b| b.is_ascii_digit())).map(str::to_owned).collect()
}

#[test]
fn every_code_has_a_page_with_every_section() {
    let pages = pages();
    let known: BTreeSet<&str> = codes::ALL.iter().map(|(code, _)| code.as_str()).collect();
    assert_eq!(pages.keys().map(String::as_str).collect::<BTreeSet<_>>(), known);
    for (code, title) in codes::ALL {
        let page = &pages[code.as_str()];
        assert_eq!(page.heading, format!("{code}: {title}"));
        let names: Vec<&str> = page.sections.iter().map(|(name, _, _)| name.as_str()).collect();
        assert_eq!(names, SECTIONS, "{code}");
        for (name, blocks, words) in &page.sections {
            let example = matches!(name.as_str(), "Wrong" | "Right");
            assert!(if example { !blocks.is_empty() } else { *words >= 5 }, "{code}: `{name}` is empty");
        }
    }
}

#[test]
fn wrong_yields_the_code_and_right_yields_nothing() {
    let pages = pages();
    let work = Mutex::new(pages.iter());
    let complaints = Mutex::new(vec![]);
    let complain = |complaint: String| complaints.lock().expect("nobody panics with it").push(complaint);
    let wrong_is_wrong = |code: &str, page: &Page, blocks: &[&Block]| {
        let (codes, printed) = yielded(blocks);
        let stray = codes.iter().find(|other| *other != code && !page.prose.contains(other.as_str()));
        if !codes.contains(code) || stray.is_some() {
            complain(format!("{code}: what is wrong yields {codes:?}\n{printed}"));
        }
    };
    let is_right = |code: &str, what: &str, blocks: &[&Block]| {
        let (codes, printed) = yielded(blocks);
        if !codes.is_empty() {
            complain(format!("{code}: what is {what} yields {codes:?}\n{printed}"));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let Some((code, page)) = work.lock().expect("nobody panics with it").next() else {
                        break;
                    };
                    let wrong: Vec<&Block> = page.blocks("Wrong").iter().collect();
                    wrong_is_wrong(code, page, &wrong);
                    is_right(code, "right", &page.blocks("Right").iter().collect::<Vec<_>>());
                    for block in page.blocks("How to configure") {
                        let accepted: Vec<&Block> = wrong.iter().copied().chain([block]).collect();
                        is_right(code, "configured", &accepted);
                    }
                }
            });
        }
    });
    let mut complaints = complaints.into_inner().expect("nobody panics with it");
    complaints.sort();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// The documentation lists the codes as `ordain explain` does, from its first group on.
#[test]
fn the_documentation_lists_every_page() {
    let file = root().join("docs/src/codes.md");
    let wanted = run(["explain", "--format=markdown"]).expect_code(0).stdout;
    let text = fs::read_to_string(&file).expect("it is there");
    let introduction = text.split("## ORD").next().unwrap_or_default();
    if std::env::var_os("ORDAIN_BLESS").is_some() {
        fs::write(&file, format!("{introduction}{wanted}")).expect("the file can be written");
    }
    let found = fs::read_to_string(file).expect("it is there");
    assert!(
        found == format!("{introduction}{wanted}"),
        "renew the list in docs/src/codes.md with `ORDAIN_BLESS=1 cargo test -p ordain --test explain lists`"
    );
}
