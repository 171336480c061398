//! A strict reader of lcov's traces, written from the description in `geninfo(1)`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What a trace says of one file.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) functions: Vec<(String, u64)>,
    pub(super) lines: BTreeMap<u64, u64>,
    /// By line, block and branch; `None` if it was never asked.
    pub(super) branches: BTreeMap<(u64, u64, u64), Option<u64>>,
}

/// Reads a trace whose files lie below a folder.
pub(super) fn read(trace: &str, folder: &Path) -> Result<Vec<File>, String> {
    let mut files: Vec<File> = vec![];
    let mut file: Option<File> = None;
    let mut starts: BTreeMap<String, u64> = BTreeMap::new();
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    let mut source_lines = 0;
    for (at, record) in trace.lines().enumerate() {
        let wrong = |why: &str| format!("line {}: {why}: {record}", at + 1);
        let (kind, rest) = record.split_once(':').unwrap_or((record, ""));
        let number = |text: &str| text.parse::<u64>().map_err(|_| wrong("not a number"));
        if kind == "TN" {
            if file.is_some() || !files.is_empty() {
                return Err(wrong("the test's name stands first"));
            }
            continue;
        }
        if kind == "SF" {
            if file.is_some() || files.iter().any(|other| other.path == rest) {
                return Err(wrong("a file stands in another one, or twice"));
            }
            let source = std::fs::read_to_string(folder.join(rest)).map_err(|_| wrong("no such file"))?;
            source_lines = source.lines().count() as u64;
            file = Some(File { path: rest.to_owned(), ..File::default() });
            continue;
        }
        let Some(current) = &mut file else { return Err(wrong("outside of a file")) };
        let line = |text: &str| match number(text)? {
            line if (1..=source_lines).contains(&line) => Ok(line),
            _ => Err(wrong("no such line")),
        };
        let fields: Vec<&str> = rest.split(',').collect();
        match (kind, &*fields) {
            ("FN", [start, name @ ..]) if !name.is_empty() => {
                if starts.insert(name.join(","), line(start)?).is_some() {
                    return Err(wrong("a function stands twice"));
                }
            }
            ("FNDA", [count, name @ ..]) => {
                let name = name.join(",");
                starts.remove(&name).ok_or_else(|| wrong("an unknown function"))?;
                current.functions.push((name, number(count)?));
            }
            ("DA", [at, count]) => {
                if current.lines.insert(line(at)?, number(count)?).is_some() {
                    return Err(wrong("a line stands twice"));
                }
            }
            ("BRDA", [at, block, branch, taken]) => {
                let taken = if *taken == "-" { None } else { Some(number(taken)?) };
                let key = (line(at)?, number(block)?, number(branch)?);
                if current.branches.insert(key, taken).is_some() {
                    return Err(wrong("a branch stands twice"));
                }
            }
            ("FNF" | "FNH" | "BRF" | "BRH" | "LF" | "LH", [count]) => {
                if sums.insert(kind, number(count)?).is_some() {
                    return Err(wrong("a sum stands twice"));
                }
            }
            ("end_of_record", _) => {
                finish(current, &starts, &sums).map_err(|why| wrong(&why))?;
                sums.clear();
                files.extend(file.take());
            }
            _ => return Err(wrong("no record")),
        }
    }
    if file.is_some() { Err("the last file does not end".to_owned()) } else { Ok(files) }
}

fn finish(file: &File, starts: &BTreeMap<String, u64>, sums: &BTreeMap<&str, u64>) -> Result<(), String> {
    if let Some(name) = starts.keys().next() {
        return Err(format!("function {name} is never counted"));
    }
    let hit = |counts: &mut dyn Iterator<Item = u64>| counts.filter(|count| *count > 0).count() as u64;
    let wanted = [
        ("FNF", file.functions.len() as u64),
        ("FNH", hit(&mut file.functions.iter().map(|(_, count)| *count))),
        ("BRF", file.branches.len() as u64),
        ("BRH", hit(&mut file.branches.values().map(|taken| taken.unwrap_or(0)))),
        ("LF", file.lines.len() as u64),
        ("LH", hit(&mut file.lines.values().copied())),
    ];
    if let Some((sum, wanted)) = wanted.iter().find(|(sum, wanted)| sums.get(sum) != Some(wanted)) {
        return Err(format!("{sum} should be {wanted}"));
    }
    let mut blocks: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    let mut branches: BTreeMap<(u64, u64), Vec<u64>> = BTreeMap::new();
    for (line, block, branch) in file.branches.keys() {
        blocks.entry(*line).or_default().insert(*block);
        branches.entry((*line, *block)).or_default().push(*branch);
    }
    if let Some((block, found)) =
        branches.iter().find(|(_, found)| !found.iter().copied().eq(0..found.len() as u64))
    {
        return Err(format!("the branches of block {block:?} are not numbered from 0: {found:?}"));
    }
    for (line, blocks) in blocks {
        if !blocks.iter().copied().eq(0..blocks.len() as u64) {
            return Err(format!("the blocks of line {line} are not numbered from 0: {blocks:?}"));
        }
        if !file.lines.contains_key(&line) {
            return Err(format!("line {line} has branches but no count"));
        }
    }
    Ok(())
}

#[test]
fn the_reader_refuses_what_is_wrong() {
    let folder = crate::support::workspace(&[("a", "1\n2\n3\n")]);
    let good = "TN:\nSF:a\nFN:1,f\nFNDA:2,f\nFNF:1\nFNH:1\nBRDA:2,0,0,1\nBRDA:2,0,1,-\nBRF:2\nBRH:1\nDA:1,2\nDA:2,0\nLF:2\nLH:1\nend_of_record\n";
    assert_eq!(read(good, folder.path()).map(|files| files.len()), Ok(1));
    let changes = [
        ("SF:a", "SF:b"),
        ("DA:1,2", "DA:4,2"),
        ("DA:1,2", "DA:2,2"),
        ("DA:1,2", "DA:1"),
        ("LH:1", "LH:2"),
        ("BRH:1", "BRH:2"),
        ("FNDA:2,f", "FNDA:2,g"),
        ("FNDA:2,f\n", ""),
        ("BRDA:2,0,0", "BRDA:2,1,0"),
        ("BRDA:2,0,0,1\nBRDA:2,0,1", "BRDA:3,0,0,1\nBRDA:3,0,1"),
        ("end_of_record\n", ""),
        ("LF:2", "XX:2"),
    ];
    for (from, to) in changes {
        assert!(read(&good.replacen(from, to, 1), folder.path()).is_err(), "{from} -> {to}");
    }
}
