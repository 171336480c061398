//! The documentation's commands run, and print what it says they print.
//!
//! In each Markdown file, an `ordain` block that begins with a comment naming a file (`// team/rules.ordain`) is that
//! file; a `console` block holds commands after `$ ` and what they print; an `sh` block holds commands only. They run
//! in a folder of their own, those that name the examples in the checkout.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use support::root;

struct Block {
    language: String,
    line: usize,
    text: String,
}

fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks = vec![];
    let mut open: Option<Block> = None;
    for (n, line) in markdown.lines().enumerate() {
        match (&mut open, line.trim_start().strip_prefix("```")) {
            (None, Some(language)) => {
                open = Some(Block { language: language.trim().to_owned(), line: n + 1, text: String::new() });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

/// Runs a command of the documentation and returns what it prints, both streams.
fn shell(command: &str, folder: &Path) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_ordain")).parent().expect("in a folder");
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
    let output = Command::new("sh")
        .args(["-c", &format!("{command} 2>&1")])
        .current_dir(folder)
        .env("PATH", path)
        .env("NO_COLOR", "1")
        .output()
        .expect("there is a shell");
    String::from_utf8(output.stdout).expect("output is UTF-8")
}

fn run_file(markdown: &Path) {
    let name = markdown.display();
    let text = fs::read_to_string(markdown).expect("it is there");
    let folder = tempfile::tempdir().expect("a temporary folder");
    for block in blocks(&text) {
        let at = format!("{name}:{}", block.line);
        match block.language.as_str() {
            "ordain" => {
                if let Some(file) = block.text.lines().next().and_then(|line| line.strip_prefix("// "))
                    && file.ends_with(".ordain")
                {
                    let file = folder.path().join(file);
                    fs::create_dir_all(file.parent().expect("in the folder")).expect("a folder");
                    fs::write(file, &block.text).expect("a file");
                }
            }
            "sh" => block
                .text
                .lines()
                .filter(|line| !line.is_empty())
                .for_each(|line| command(line, &at, folder.path(), None)),
            "console" => {
                let mut runs: Vec<(String, String)> = vec![];
                for line in block.text.lines() {
                    match (line.strip_prefix("$ "), runs.last_mut()) {
                        (Some(line), _) => runs.push((line.to_owned(), String::new())),
                        (None, Some((_, printed))) => {
                            printed.push_str(line);
                            printed.push('\n');
                        }
                        (None, None) => panic!("{at}: begins without a command"),
                    }
                }
                for (line, printed) in runs {
                    command(&line, &at, folder.path(), Some(&printed));
                }
            }
            _ => {}
        }
    }
}

fn command(line: &str, at: &str, folder: &Path, printed: Option<&str>) {
    if let Some(verb) = line.strip_prefix("cargo xtask ") {
        // They build and test everything, which is what runs this; that the verb exists is checked here.
        let verb = verb.split(' ').next().expect("split gives at least one piece");
        let known = fs::read_to_string(root().join("xtask/src/main.rs")).expect("it is there");
        assert!(known.contains(&format!("\"{verb}\"")), "{at}: `cargo xtask {verb}` is no verb");
        return;
    }
    if !line.contains("ordain ") {
        return;
    }
    let tidy =
        |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_end().to_owned();
    let checkout = root();
    let got = shell(line, if line.contains("examples/") { &checkout } else { folder });
    assert!(!got.contains("panicked") && !got.contains("Usage:"), "{at}: `{line}` printed\n{got}");
    if let Some(printed) = printed {
        assert_eq!(tidy(&got), tidy(printed), "{at}: `{line}` prints something else");
    }
}

#[test]
fn the_readme() {
    run_file(&root().join("README.md"));
}

#[test]
fn the_other_documents() {
    let mut seen = 0;
    for folder in ["docs/src", "docs/src/reference"] {
        for entry in fs::read_dir(root().join(folder)).expect("there is documentation") {
            let path = entry.expect("readable").path();
            if path.extension().is_some_and(|extension| extension == "md") {
                run_file(&path);
                seen += 1;
            }
        }
    }
    assert!(seen >= 3);
}
