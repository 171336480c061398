//! From Markdown to cases.

use super::Case;

/// The name of a source file that no line names.
const DEFAULT_FILE: &str = "main.ordain";

pub(super) fn cases(markdown: &str) -> Result<Vec<Case>, String> {
    let mut cases = vec![];
    let mut headings: Vec<&str> = vec![];
    let mut case = Case::default();
    let mut file_name = None;
    let mut lines = markdown.lines().enumerate().map(|(at, line)| (at + 1, line));
    while let Some((number, line)) = lines.next() {
        let level = line.chars().take_while(|c| *c == '#').count();
        if (1..=6).contains(&level) && line[level..].starts_with(' ') {
            finish(&mut cases, std::mem::take(&mut case))?;
            headings.truncate(level - 1);
            headings.push(line[level..].trim());
            case = Case { title: headings.join(" / "), line: number, ..Case::default() };
            file_name = None;
        } else if let Some(language) = line.strip_prefix("```") {
            let mut text = String::new();
            loop {
                match lines.next() {
                    None => return Err(format!("line {number}: the block is not closed")),
                    Some((_, "```")) => break,
                    Some((_, line)) => text.extend([line, "\n"]),
                }
            }
            match language.trim() {
                "ordain" => {
                    let name: String = file_name.take().unwrap_or_else(|| DEFAULT_FILE.to_owned());
                    if case.files.iter().any(|(known, _)| *known == name) {
                        return Err(format!("line {number}: a second `{name}` in one section; name it"));
                    }
                    case.files.push((name, unescaped(&text).ok_or_else(|| {
                        format!("line {number}: `⟨` and `⟩` stand around a character's number, as in `⟨U+202E⟩`")
                    })?));
                }
                "yaml" => case.manifest = Some(text),
                "expect" => {
                    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
                    case.expected.extend(lines.map(ToOwned::to_owned));
                }
                other => return Err(format!("line {number}: what is a block of `{other}`?")),
            }
        } else if let Some(name) = line.trim().strip_suffix("`:").and_then(|line| line.strip_prefix('`')) {
            file_name = Some(name.to_owned());
        }
    }
    finish(&mut cases, case)?;
    Ok(cases)
}

/// Puts in the characters that nobody could see in a specification.
fn unescaped(text: &str) -> Option<String> {
    let mut parts = text.split("⟨U+");
    let mut out = parts.next()?.to_owned();
    for part in parts {
        let (number, rest) = part.split_once('⟩')?;
        out.push(char::from_u32(u32::from_str_radix(number, 16).ok()?)?);
        out += rest;
    }
    Some(out)
}

fn finish(cases: &mut Vec<Case>, case: Case) -> Result<(), String> {
    if !case.files.is_empty() || case.manifest.is_some() {
        cases.push(case);
    } else if !case.expected.is_empty() {
        return Err(format!("`{}` expects something of no source", case.title));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_with_code_are_cases() {
        let text = "# A\nprose\n## B\n```ordain\nx\n```\n`two.ordain`:\n\n```ordain\ny\n```\n```expect\n no edges\n\n```\n## C\n";
        let cases = cases(text).unwrap();
        let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        assert_eq!(
            cases,
            [Case {
                title: "A / B".into(),
                line: 3,
                files: vec![file("main.ordain", "x\n"), file("two.ordain", "y\n")],
                manifest: None,
                expected: vec!["no edges".into()],
            }]
        );
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        assert!(cases("```ordain\n").unwrap_err().contains("not closed"));
        assert!(cases("```orda\n```\n").unwrap_err().contains("`orda`"));
        assert!(cases("```ordain\n⟨U+X⟩\n```\n").unwrap_err().contains("`⟨U+202E⟩`"));
        assert!(cases("```ordain\n```\n```ordain\n```\n").unwrap_err().contains("second"));
        assert!(cases("# A\n```expect\nedge\n```\n").unwrap_err().contains("no source"));
    }
}
