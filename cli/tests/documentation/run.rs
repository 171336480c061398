//! Runs what a page shows.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::blocks::{Block, blocks};
use super::support::{root, run, workspace};
use super::{book, others};

/// What a page may call beside `ordain`: what shows or makes files.
const SHELL: [&str; 6] = ["mkdir", "ls", "cat", "echo", "cp", "rm"];

/// A page with the folder that its blocks fill.
struct Page {
    folder: tempfile::TempDir,
    /// Blocks that wrote a policy file which no command has looked at since.
    unchecked: Vec<String>,
}

fn run_page(path: &Path) {
    let text = fs::read_to_string(path).expect("it is there");
    let mut page = Page { folder: tempfile::tempdir().expect("a temporary folder"), unchecked: vec![] };
    let mut renewed = text.clone();
    // From the end, so that places further up stay where they are.
    let taken: Vec<_> = blocks(path, &text).into_iter().map(|block| (page.take(&block), block)).collect();
    for (printed, block) in taken.into_iter().rev() {
        // Within a list the block's lines are indented; such a one is renewed by hand.
        if let Some(printed) = printed.filter(|_| text[block.range.clone()] == block.text) {
            renewed.replace_range(block.range, &printed);
        }
    }
    if renewed != text {
        fs::write(path, renewed).expect("a page");
    }
    assert!(page.unchecked.is_empty(), "no command looks at the files of {}", page.unchecked.join(", "));
}

impl Page {
    /// Does what a block asks for. What a block of commands should say, if that is to be renewed.
    fn take(&mut self, block: &Block) -> Option<String> {
        match block.language.as_str() {
            "ordain" if block.words.iter().any(|word| word == "source") => {}
            "ordain" => match block.file("//") {
                Some(file) => {
                    self.write(file, &block.text);
                    self.unchecked.push(block.at.clone());
                }
                None => compile(block),
            },
            "yaml" => {
                let file =
                    block.file("#").unwrap_or_else(|| panic!("{}: begin with `# file.yaml`", block.at));
                self.write(file, &block.text);
                configure(block, file);
            }
            "json" => {
                // A file of JSON lines holds one value a line, any other one in all.
                let file = block.word("file");
                let lines =
                    file.is_some_and(|file| Path::new(file).extension().is_some_and(|it| it == "jsonl"));
                let values: Vec<&str> =
                    if lines { block.text.lines().collect() } else { vec![block.text.as_str()] };
                for value in values {
                    let parsed: Result<Value, _> = serde_json::from_str(value);
                    assert!(parsed.is_ok(), "{}: {parsed:?}", block.at);
                }
                if let Some(file) = file {
                    self.write(file, &block.text);
                }
            }
            "sh" => block.text.lines().filter(|line| !line.is_empty()).for_each(|line| {
                self.command(line, &block.at, None);
            }),
            "console" => {
                let mut runs: Vec<(String, String)> = vec![];
                for line in block.text.lines() {
                    match (line.strip_prefix("$ "), runs.last_mut()) {
                        (Some(line), _) => runs.push((line.to_owned(), String::new())),
                        (None, Some((_, printed))) => {
                            printed.push_str(line);
                            printed.push('\n');
                        }
                        (None, None) => panic!("{}: begins without a command", block.at),
                    }
                }
                let mut renewed = String::new();
                for (line, printed) in runs {
                    let got = self.command(&line, &block.at, Some(&printed));
                    let got = got.map_or(printed, |got| got + "\n");
                    let _ = write!(renewed, "$ {line}\n{}", if got == "\n" { "" } else { &got });
                }
                return Some(renewed);
            }
            "" | "text" | "toml" | "lua" | "elisp" | "ebnf" | "rust" => {}
            other => panic!("{}: nobody knows what to do with a block of `{other}`", block.at),
        }
        None
    }

    fn write(&self, file: &str, text: &str) {
        let file = self.folder.path().join(file);
        fs::create_dir_all(file.parent().expect("in the folder")).expect("a folder");
        fs::write(file, text).expect("a file");
    }

    /// Runs a command. With `ORDAIN_BLESS` set, what it prints where that is not what it should.
    fn command(&mut self, line: &str, at: &str, printed: Option<&str>) -> Option<String> {
        let program = line.split(' ').next().unwrap_or_default();
        if let Some(verb) = line.strip_prefix("cargo xtask ") {
            // They build and test everything, which is what runs this; that the verb exists is checked here.
            let verb = verb.split(' ').next().expect("split gives at least one piece");
            let known = fs::read_to_string(root().join("xtask/src/main.rs")).expect("it is there");
            assert!(known.contains(&format!("\"{verb}\"")), "{at}: `cargo xtask {verb}` is no verb");
            return None;
        }
        let ours = program == "ordain";
        assert!(
            ours || SHELL.contains(&program),
            "{at}: `{line}` is not run here; mark the block as `text` if that is meant"
        );
        if ours && !["--help", "explain"].iter().any(|word| line.contains(word)) {
            self.unchecked.clear();
        }
        let in_checkout = ["examples/", "stdlib-policies/"].iter().any(|name| line.contains(name));
        let got = shell(line, if in_checkout { root() } else { self.folder.path().to_owned() });
        assert!(!got.contains("panicked") && !got.contains("Usage:"), "{at}: `{line}` printed\n{got}");
        let (got, printed) = (tidy(&got), tidy(printed?));
        if matches(&got, &printed) {
            return None;
        }
        assert!(
            std::env::var_os("ORDAIN_BLESS").is_some(),
            "{at}: `{line}` prints\n{got}\nand not\n{printed}\n(if that is meant, renew the page with ORDAIN_BLESS=1)"
        );
        Some(got)
    }
}

/// Lines without the white space at their ends, which people don't see.
fn tidy(text: &str) -> String {
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

/// Whether the lines are those printed, where a line `…` stands for any number of lines.
fn matches(got: &str, printed: &str) -> bool {
    let got: Vec<&str> = got.lines().collect();
    let printed: Vec<&str> = printed.lines().collect();
    let mut pieces: Vec<&[&str]> = printed.split(|line| line.trim() == "…").collect();
    let last = pieces.pop().expect("a split has at least one piece");
    let Some((first, middle)) = pieces.split_first() else { return got == last };
    let within = got.strip_prefix(*first).and_then(|rest| rest.strip_suffix(last));
    let found = middle.iter().try_fold(within.unwrap_or_default(), |rest, piece| {
        (0..=rest.len()).map(|at| &rest[at..]).find_map(|rest| rest.strip_prefix(*piece))
    });
    within.is_some() && found.is_some()
}

/// Runs a command and returns what it prints, both streams.
fn shell(command: &str, folder: PathBuf) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_ordain")).parent().expect("in a folder");
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
    let output = Command::new("sh")
        .args(["-c", &format!("{{ {command}; }} 2>&1")])
        .current_dir(folder)
        .env("PATH", path)
        .env("NO_COLOR", "1")
        .env_remove("ORDAIN_LOG")
        .env_remove("ORDAIN_CONFIG")
        .env_remove("ORDAIN_BLESS")
        .output()
        .expect("there is a shell");
    String::from_utf8(output.stdout).expect("output is UTF-8")
}

/// The codes of everything that `check` finds in a workspace.
fn codes(folder: &Path) -> BTreeSet<String> {
    let found = run(["check".as_ref(), "--format".as_ref(), "json".as_ref(), folder.as_os_str()]);
    let found = found.json();
    let of = |list: &str| -> Vec<Value> { found[list].as_array().cloned().unwrap_or_default() };
    let all = of("diagnostics").into_iter().chain(of("conflicts"));
    all.filter_map(|finding| finding["code"].as_str().map(ToOwned::to_owned)).collect()
}

/// Compiles a block that is a workspace by itself.
fn compile(block: &Block) {
    let expected: BTreeSet<String> =
        block.words.iter().filter_map(|word| word.strip_prefix("fails=")).map(ToOwned::to_owned).collect();
    let folder = workspace(&[("ordain.yaml", "name: example\n"), ("example.ordain", &block.text)]);
    let found = codes(folder.path());
    if found != expected {
        let full = run(["check".as_ref(), folder.path().as_os_str()]);
        panic!("{}: found {found:?}, not {expected:?}\n{}", block.at, full.stdout);
    }
}

/// Reads a block that is a workspace file, in a folder that has what it names.
fn configure(block: &Block, file: &str) {
    let parsed: Result<Value, _> = serde_yaml::from_str(&block.text);
    let parsed = parsed.unwrap_or_else(|error| panic!("{}: {error}", block.at));
    if Path::new(file).file_name().is_none_or(|name| name != "ordain.yaml") {
        return;
    }
    let folder = workspace(&[("here/ordain.yaml", &block.text)]);
    let names = |key: &str| parsed[key].as_array().cloned().unwrap_or_default();
    for name in names("sources").into_iter().chain(names("dependencies")) {
        let below = folder.path().join("here").join(name.as_str().expect("a folder's name"));
        fs::create_dir_all(&below).expect("a folder");
        if names("dependencies").contains(&name) {
            fs::write(below.join("ordain.yaml"), "language: 1\n").expect("a file");
        }
    }
    let checked = run(["check".as_ref(), folder.path().join("here").as_os_str()]);
    assert_eq!(checked.code, Some(0), "{}: {}{}", block.at, checked.stdout, checked.stderr);
}

#[test]
fn what_the_documents_show_is_so() {
    for page in others() {
        run_page(&page);
    }
}

#[test]
fn what_the_book_shows_is_so() {
    // The pages of the codes have a form and a test of their own.
    let own = root().join("docs/src/codes");
    book().iter().filter(|page| !page.starts_with(&own)).for_each(|page| run_page(page));
}

#[test]
fn output_is_compared_line_by_line() {
    assert!(matches("a\nb", "a\nb"));
    assert!(!matches("a\nb", "a"));
    assert!(!matches("a", "a\nb"));
    assert!(matches("", ""));
    assert!(matches("a\nb\nc\nd", "a\n…\nd"));
    assert!(matches("a\nb\nc\nd", "…\nb\n…"));
    assert!(!matches("a\nb\nc\nd", "…\nx\n…"));
    assert!(!matches("a\nb\nc\nd", "b\n…\nd"));
    assert!(!matches("a\nb\nc\nd", "a\n…\nc"));
}
