//! The command line of `check`.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::findings::select::Prefix;

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// A workspace folder, a folder within one, or a single policy file.
    #[arg(default_value = ".")]
    pub(crate) path: PathBuf,
    /// How findings are written to standard output.
    #[arg(long, value_enum, default_value_t = CheckFormat::Full)]
    pub(crate) format: CheckFormat,
    /// Write findings to a file too, in a format of its own: `sarif=findings.sarif`; may be repeated.
    #[arg(long, value_name = "FMT=PATH")]
    pub(crate) output_file: Vec<OutputFile>,
    /// Show every finding with its source; more than 30 are grouped by what they have in common otherwise.
    #[arg(long)]
    pub(crate) all: bool,
    /// Show only warnings with this code, or whose code begins like this: `ORD0301`, `ORD04`; several with commas between
    /// them. Errors and BLOCKING conflicts are always shown.
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub(crate) select: Vec<Prefix>,
    /// Don't show warnings with this code, likewise. Of both the longer beginning decides.
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub(crate) ignore: Vec<Prefix>,
    /// Leave out warnings that are in this file. It never covers an error or a BLOCKING conflict.
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Write all warnings of now to the baseline first.
    #[arg(long, requires = "baseline")]
    pub(crate) write_baseline: bool,
    /// Tell on standard error what took how long, and how much there was to do.
    #[arg(long)]
    pub(crate) statistics: bool,
    /// Check again whenever policies change, until Ctrl-C; then exit with 0.
    #[arg(long, conflicts_with_all = ["fix", "write_baseline"])]
    pub(crate) watch: bool,
    /// The least finding that fails the check. Errors in the source always count as blocking.
    #[arg(long, value_enum, default_value_t = FailOn::Blocking)]
    pub(crate) fail_on: FailOn,
    /// Exit with 3 if a pair of policies could not be decided.
    #[arg(long)]
    pub(crate) require_decided: bool,
    /// Judge every `allow … until` as on this day (midnight UTC) instead of now.
    #[arg(long, value_name = "DATE")]
    pub(crate) today: Option<jiff::civil::Date>,
    /// Apply the fixes that are beyond doubt to the workspace's files before checking; with `=all` also those that
    /// guess what is meant. None is kept that leaves more errors than there were.
    #[arg(
        long,
        value_enum,
        value_name = "WHICH",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "certain"
    )]
    pub(crate) fix: Option<Fixes>,
    /// Take answers of the solver from this file, if it is there, and leave this run's there. Examples are evaluated
    /// again, and what can't happen is proved again, so that the findings don't depend on what the file says.
    #[arg(long, value_name = "FILE", conflicts_with = "watch")]
    pub(crate) cache: Option<PathBuf>,
    /// Believe the cache that something can't happen: one that somebody has changed can hide conflicts.
    #[arg(long, requires = "cache")]
    pub(crate) trust_cache: bool,
    /// Threads of the analysis; as many as there are processors by default. The answer is the same for any.
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<std::num::NonZeroUsize>,
}

/// Formats of `check`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// For people: source with carets, evidence and advice.
    Full,
    /// Each finding on one line.
    Concise,
    /// One JSON object, described by docs/check.schema.json.
    Json,
    /// One JSON object a line: each finding as in `json`, then the summary.
    JsonLines,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Workflow commands of GitHub Actions.
    Github,
    /// GitLab's report of code quality.
    Gitlab,
    /// XML for continuous integration; a suite for each file.
    Junit,
    /// The diagnostic format of reviewdog.
    Rdjson,
    /// For the comment of a pull request; what doesn't fit is counted.
    Markdown,
}

/// A file to write and the format of what goes there.
#[derive(Clone, Debug)]
pub(crate) struct OutputFile {
    /// The format.
    pub(crate) format: CheckFormat,
    /// The file.
    pub(crate) path: PathBuf,
}

impl std::str::FromStr for OutputFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let formats = || {
            let names = CheckFormat::value_variants().iter().filter_map(ValueEnum::to_possible_value);
            names.map(|name| format!("`{}`", name.get_name())).collect::<Vec<_>>().join(", ")
        };
        let (format, path) = text
            .split_once('=')
            .ok_or_else(|| format!("`{text}` names no format; write it like `sarif={text}`"))?;
        let format = CheckFormat::from_str(format, false)
            .map_err(|_| format!("`{format}` is no format; those are {}", formats()))?;
        if path.is_empty() {
            return Err(format!("`{text}` names no file"));
        }
        Ok(Self { format, path: path.into() })
    }
}

/// Fixes that `check` applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Fixes {
    /// Those that are beyond doubt.
    Certain,
    /// Also those that guess what is meant.
    All,
}

/// What fails a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// Errors and BLOCKING conflicts.
    Blocking,
    /// Warnings too.
    Warning,
    /// Nothing.
    Never,
}
