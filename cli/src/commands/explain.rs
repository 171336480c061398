//! `ordain explain`

use std::fmt::Write as _;
use std::sync::LazyLock;

use include_dir::{Dir, include_dir};
use ordain_grammar::suggest::nearest;
use ordain_ir::{Code, ConflictType, codes};
use serde::Serialize;

use crate::Verdict;
use crate::args::{ExplainArgs, PageFormat};
use crate::commands::print;
use crate::failure::Failure;
use crate::render::markdown;

static FOLDER: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../docs/src/codes");
static PAGES: LazyLock<Vec<Page>> = LazyLock::new(read);

/// The hundreds of the codes, each with what it is about.
const GROUPS: [(&str, &str); 9] = [
    ("ORD01", "Syntax"),
    ("ORD02", "Names, types and units"),
    ("ORD03", "Conflicts"),
    ("ORD04", "Lints"),
    ("ORD05", "Limits"),
    ("ORD06", "Scopes and windows"),
    ("ORD07", "Bundles"),
    ("ORD08", "Workspaces"),
    ("ORD09", "Suppressions"),
];

/// Columns where output goes to no terminal.
const WIDTH: usize = 100;

/// A code, with its page where that is asked for.
#[derive(Clone, Debug, Serialize)]
struct Page {
    code: &'static Code,
    title: &'static str,
    group: &'static str,
    /// The page in Markdown, with its heading.
    #[serde(skip_serializing_if = "Option::is_none")]
    markdown: Option<&'static str>,
}

/// Every code, in order.
fn read() -> Vec<Page> {
    let page = |(code, title): &'static (Code, &'static str)| {
        let group = GROUPS.iter().find(|(prefix, _)| code.as_str().starts_with(prefix));
        let markdown = FOLDER.get_file(format!("{code}.md")).and_then(|file| file.contents_utf8());
        Page { code, title, group: group.map_or("Other", |(_, name)| name), markdown }
    };
    codes::ALL.iter().map(page).collect()
}

impl Page {
    fn text(&self) -> &'static str {
        self.markdown.unwrap_or_default()
    }
}

/// Shows the page of one code, those of all, or the list of codes.
pub(crate) fn run(args: &ExplainArgs, color: bool) -> Result<Verdict, Failure> {
    let width = terminal_size::terminal_size().map_or(WIDTH, |(width, _)| width.0.into());
    let draw = |page: &Page| markdown::render(page.text(), width, color);
    print(&match (&args.code, args.all, args.format) {
        (Some(code), _, format) => {
            let page = look_up(code).map_err(Failure::Other)?;
            match format {
                PageFormat::Text => draw(page),
                PageFormat::Markdown => page.text().to_owned(),
                PageFormat::Json => json(page),
            }
        }
        (None, true, PageFormat::Text) => PAGES.iter().map(draw).collect::<Vec<_>>().join("\n\n"),
        (None, true, PageFormat::Markdown) => PAGES.iter().map(Page::text).collect::<Vec<_>>().join("\n"),
        (None, true, PageFormat::Json) => json(&*PAGES),
        (None, false, PageFormat::Text) => list(),
        (None, false, PageFormat::Markdown) => index(),
        (None, false, PageFormat::Json) => {
            json(&PAGES.iter().map(|page| Page { markdown: None, ..page.clone() }).collect::<Vec<_>>())
        }
    })?;
    Ok(Verdict::Clean)
}

/// Where to read more about findings with these codes; nothing if there are none.
pub(crate) fn hint<'a>(codes: impl IntoIterator<Item = &'a Code>) -> String {
    let first = codes.into_iter().next();
    first
        .map(|code| format!("`ordain explain {code}` tells what it means and what to do\n"))
        .unwrap_or_default()
}

/// The page of a code in Markdown.
pub(crate) fn page(code: &Code) -> Option<&'static str> {
    PAGES.iter().find(|page| page.code == code)?.markdown
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("only texts, which always serialise") + "\n"
}

/// The codes by group, one a line.
fn list() -> String {
    let mut out = String::new();
    for (_, group) in GROUPS {
        let _ = writeln!(out, "{group}");
        for page in PAGES.iter().filter(|page| page.group == group) {
            let _ = writeln!(out, "  {}  {}", page.code, page.title);
        }
        out.push('\n');
    }
    out + "`ordain explain ORD0207` shows one of them.\n"
}

/// The list as the documentation holds it, in `docs/src/codes.md`.
fn index() -> String {
    let mut out = String::new();
    for (prefix, group) in GROUPS {
        let _ = writeln!(out, "## {prefix}xx: {group}\n");
        for page in PAGES.iter().filter(|page| page.group == group) {
            let _ = writeln!(out, "- [{}](codes/{}.md): {}", page.code, page.code, page.title);
        }
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out + "\n"
}

/// The page of a code, in whatever case it is written; else what to say about a word that is none.
fn look_up(word: &str) -> Result<&'static Page, String> {
    let wanted = word.trim().to_ascii_uppercase();
    let page = |code: &str| PAGES.iter().find(|page| page.code.as_str() == code);
    if let Some(page) = page(&wanted) {
        return Ok(page);
    }
    let meant = |page: &Page| {
        format!("`{word}` is no code; did you mean `{}` ({})?", page.code, page.title.replace('`', ""))
    };
    // `ORD207`, `ord-0207`, `207`
    let digits = wanted.strip_prefix("ORD").unwrap_or(&wanted).trim_start_matches(['-', '_', ' ']);
    if let Ok(number) = digits.parse::<u16>()
        && let Some(page) = page(&format!("ORD{number:04}"))
    {
        return Err(meant(page));
    }
    // `scope-overlap`, `SCOPE_OVERLAP`
    let kind = wanted.replace(['-', ' '], "_");
    if let Some(page) = ConflictType::ALL
        .iter()
        .find(|it| it.as_str() == kind)
        .and_then(|it| PAGES.iter().find(|page| *page.code == it.code()))
    {
        return Err(meant(page));
    }
    // Words of a title.
    let words: Vec<String> = title_words(&wanted);
    let about: Vec<&Page> = PAGES
        .iter()
        .filter(|page| {
            let title = title_words(page.title);
            !words.is_empty() && words.iter().all(|word| title.iter().any(|other| other.starts_with(word)))
        })
        .collect();
    match &*about {
        [] => {}
        [page] => return Err(meant(page)),
        several => {
            let lines: Vec<String> =
                several.iter().map(|page| format!("\n  {}  {}", page.code, page.title)).collect();
            return Err(format!("`{word}` is no code; these are about it:{}", lines.concat()));
        }
    }
    let near = nearest(&wanted, PAGES.iter().map(|page| page.code.as_str())).and_then(page);
    Err(near.map_or_else(|| format!("`{word}` is no code; `ordain explain` lists them all"), meant))
}

fn title_words(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(word: &str) -> String {
        look_up(word).map_or_else(|said| said, |page| format!("the page of {}", page.code))
    }

    #[test]
    fn codes_are_found_in_any_case() {
        assert_eq!(said("ORD0207"), "the page of ORD0207");
        assert_eq!(said(" ord0207"), "the page of ORD0207");
    }

    #[test]
    fn the_hint_names_the_first_finding() {
        assert_eq!(hint([]), "");
        let said = hint([&codes::SCOPE_OVERLAP, &codes::BAD_SCOPE]);
        assert_eq!(said, "`ordain explain ORD0301` tells what it means and what to do\n");
    }

    #[test]
    fn what_is_no_code_gets_a_suggestion() {
        for word in ["ORD207", "207", "ord-207"] {
            let wanted = format!(
                "`{word}` is no code; did you mean `ORD0207` (a value lies outside the range of the fact)?"
            );
            assert_eq!(said(word), wanted);
        }
        assert!(said("scope-overlap").contains("did you mean `ORD0301`"), "{}", said("scope-overlap"));
        assert!(said("ODR0207").contains("did you mean `ORD0207`"), "{}", said("ODR0207"));
        assert!(said("percentage").contains("did you mean `ORD0229`"), "{}", said("percentage"));
        let several = said("cycle");
        assert!(several.contains("these are about it:\n  ORD0210  "), "{several}");
        assert!(several.contains("\n  ORD0213  ") && several.contains("\n  ORD0803  "), "{several}");
        assert_eq!(said("xyzzy"), "`xyzzy` is no code; `ordain explain` lists them all");
        assert_eq!(said(""), "`` is no code; `ordain explain` lists them all");
    }
}
