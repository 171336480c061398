//! `ordain graph`

use ordain_runtime::Clock as _;

use crate::Verdict;
use crate::args::GraphArgs;
use crate::clock::SystemClock;
use crate::commands::{check, print};
use crate::failure::Failure;
use crate::render::graph;
use crate::workspace;

/// Draws what depends on what, and what contradicts what.
pub(crate) fn run(args: &GraphArgs, color: bool) -> Result<Verdict, Failure> {
    let checked = workspace::check(&args.path, None, SystemClock.now())?;
    if checked.errors() > 0 {
        // Half a graph would look like a whole one.
        check::show(&checked, color)?;
        return Ok(Verdict::Findings);
    }
    print(&graph::render(&checked, args.format))?;
    Ok(Verdict::Clean)
}
