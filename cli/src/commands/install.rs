//! `ordain completions` and `ordain man`: what shells and manuals know of the program, made of the command line itself.

use clap::CommandFactory as _;

use crate::Verdict;
use crate::args::{Args, CompletionsArgs, ManArgs};
use crate::commands::{print, stream};
use crate::failure::Failure;
use crate::render::count;

/// Prints completions.
pub(crate) fn completions(args: &CompletionsArgs) -> Result<Verdict, Failure> {
    let mut script = vec![];
    clap_complete::generate(args.shell, &mut Args::command(), "ordain", &mut script);
    stream(|out| out.write_all(&script))?;
    Ok(Verdict::Clean)
}

/// Writes manual pages.
pub(crate) fn man(args: &ManArgs) -> Result<Verdict, Failure> {
    let failure = |reason| Failure::Write { path: args.folder.clone(), reason };
    std::fs::create_dir_all(&args.folder).map_err(failure)?;
    clap_mangen::generate_to(Args::command(), &args.folder).map_err(failure)?;
    let written = std::fs::read_dir(&args.folder).map_err(failure)?;
    let pages = written.filter_map(Result::ok).filter(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.starts_with("ordain") && name.ends_with(".1")
    });
    print(&format!("{} in {}\n", count(pages.count(), "page"), args.folder.display()))?;
    Ok(Verdict::Clean)
}
