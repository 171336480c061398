//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::findings::select::Prefix;
use crate::testing::filter::Filter;

/// Finds the contradictions between policies for AI agents before they reach production.
///
/// Exit codes: 0 nothing at or above --fail-on; 1 findings at or above it; 2 usage, configuration or I/O, nothing
/// was analysed; 3 only with --require-decided: nothing failed the gate, but something is undecided; 101 a bug of ours.
#[derive(Debug, Parser)]
#[command(name = "ordain", version, max_term_width = 110, arg_required_else_help = true)]
pub(crate) struct Args {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// When to use colours; `NO_COLOR` holds too.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(crate) color: Color,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Parse, type and prove the policies of a workspace.
    Check(CheckArgs),
    /// Write policy files in the one way to write them.
    Fmt(FmtArgs),
    /// Run the tests of the policies.
    Test(TestArgs),
    /// Explain a finding's code: what it says, why it matters, and what to do.
    Explain(ExplainArgs),
    /// Compile a workspace into a bundle; refuses one with BLOCKING conflicts.
    Build(BuildArgs),
    /// Show what a bundle holds, after checking that it is intact.
    Inspect(InspectArgs),
    /// Check a bundle's evidence again: digest, witnesses and certificates, without the solver.
    Verify(VerifyArgs),
    /// Decide requests, with the reasons.
    Eval(EvalArgs),
    /// Replay recorded requests, with time and counters; through two sets of policies to compare them.
    Simulate(SimulateArgs),
    /// Make a pair of keys to sign bundles with.
    Keygen(KeygenArgs),
    /// Compare what two sets of policies decide; the difference is proved.
    Diff(DiffArgs),
    /// Draw dependencies and conflicts.
    Graph(GraphArgs),
    /// Serve editors over standard input and output.
    Lsp(LspArgs),
    /// Serve the panel API over HTTP.
    Serve(ServeArgs),
    /// Make, list, rotate and revoke the keys that the API asks for.
    Apikey(ApikeyArgs),
}

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
    /// Threads of the analysis; as many as there are processors by default. The answer is the same for any.
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<std::num::NonZeroUsize>,
}

/// Arguments of `fmt`.
#[derive(Debug, clap::Args)]
pub(crate) struct FmtArgs {
    /// Policy files, and folders with such files anywhere below; `-` alone formats standard input onto standard
    /// output.
    #[arg(default_value = ".", value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Write nothing; name the files that are not formatted, and exit with 1 if there are any.
    #[arg(long)]
    pub(crate) check: bool,
    /// Write nothing; show what would change as a unified diff, and exit with 1 if anything would.
    #[arg(long, conflicts_with = "check")]
    pub(crate) diff: bool,
}

/// Arguments of `test`.
#[derive(Debug, clap::Args)]
pub(crate) struct TestArgs {
    /// Workspace folders, folders within one, or single policy files. A workspace is compiled as a whole; of its
    /// tests those are run that stand below the path.
    #[arg(default_value = ".", value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Run only tests whose `package: name` contains this text, or matches it as a whole if it has `*` or `?` in it;
    /// may be repeated.
    #[arg(long, value_name = "TEXT")]
    pub(crate) filter: Vec<Filter>,
    /// How results are written to standard output.
    #[arg(long, value_enum, default_value_t = TestFormat::Text)]
    pub(crate) format: TestFormat,
    /// Name the tests that pass, too.
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// Count which rules, limits and branches of conditions the tests reach: text below the results or json within
    /// them; or in a file.
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "text"
    )]
    pub(crate) coverage: Option<CoverageFormat>,
    /// Where coverage is written, instead of with the results.
    #[arg(long, value_name = "FILE", requires = "coverage")]
    pub(crate) coverage_output: Option<PathBuf>,
}

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
pub(crate) struct ExplainArgs {
    /// The code, such as `ORD0207`; without one, all codes are listed.
    #[arg(conflicts_with = "all")]
    pub(crate) code: Option<String>,
    /// Explain every code.
    #[arg(long)]
    pub(crate) all: bool,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = PageFormat::Text)]
    pub(crate) format: PageFormat,
}

/// Arguments of `build`.
#[derive(Debug, clap::Args)]
pub(crate) struct BuildArgs {
    /// A workspace folder, a folder within one, or a single policy file.
    #[arg(default_value = ".")]
    pub(crate) path: PathBuf,
    /// Where the bundle goes; `<name of the workspace>.ordain-bundle` by default.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Sign the bundle with this private key (PKCS#8 in PEM); the signature goes to `<bundle>.sig`.
    #[arg(long, value_name = "KEY")]
    pub(crate) sign: Option<PathBuf>,
    /// Write a JSON schema of the requests, with every fact and meter that the policies declare.
    #[arg(long, value_name = "FILE")]
    pub(crate) request_schema: Option<PathBuf>,
}

/// Arguments of `inspect`.
#[derive(Debug, clap::Args)]
pub(crate) struct InspectArgs {
    /// The bundle.
    pub(crate) bundle: PathBuf,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
    pub(crate) format: TextOrJson,
}

/// Arguments of `keygen`.
#[derive(Debug, clap::Args)]
pub(crate) struct KeygenArgs {
    /// Where the private key goes; the public one goes beside it, with `.pub` behind the name. Neither may be there.
    #[arg(short, long, value_name = "FILE", default_value = "ordain.key")]
    pub(crate) output: PathBuf,
}

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    /// The bundle.
    pub(crate) bundle: PathBuf,
    /// A public key that is trusted (PEM); may be repeated. The bundle has to be signed by one of them.
    #[arg(long, value_name = "PUB")]
    pub(crate) key: Vec<PathBuf>,
    /// The signature; `<bundle>.sig` by default.
    #[arg(long, value_name = "FILE")]
    pub(crate) signature: Option<PathBuf>,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
    pub(crate) format: TextOrJson,
}

/// Arguments of `eval`.
#[derive(Debug, clap::Args)]
pub(crate) struct EvalArgs {
    /// A bundle, or a workspace folder that is compiled first.
    pub(crate) policies: PathBuf,
    /// The request as JSON, or several, one a line; `-` reads standard input.
    pub(crate) request: PathBuf,
    /// How decisions are written; of several each is one line of JSON.
    #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
    pub(crate) format: TextOrJson,
    /// Decide as at this instant (RFC 3339) instead of the request's own.
    #[arg(long, value_name = "INSTANT")]
    pub(crate) at: Option<jiff::Timestamp>,
    /// Decide by this policy alone, named in full; may be repeated. A conflict's witness says only what its own
    /// policies ask for.
    #[arg(long, value_name = "POLICY")]
    pub(crate) only: Vec<String>,
    /// Exit with 1 unless the outcome is this one, for example `BLOCK`.
    #[arg(long, value_name = "OUTCOME")]
    pub(crate) expect: Option<String>,
    /// Decide with the counters in this file, and count there what goes ahead; it is made if it isn't there.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
}

/// Arguments of `simulate`.
#[derive(Debug, clap::Args)]
pub(crate) struct SimulateArgs {
    /// A bundle, or a workspace folder that is compiled first.
    pub(crate) policies: PathBuf,
    /// Recorded requests as JSON, one a line, in the order in which they were made; `-` reads standard input.
    pub(crate) trace: PathBuf,
    /// Other policies, likewise, to which the outcomes are compared: usually those of before.
    #[arg(long, value_name = "OTHER")]
    pub(crate) against: Option<PathBuf>,
    /// Begin with the counters in this file, which is left as it is.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// How the statistics are written.
    #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
    pub(crate) format: TextOrJson,
}

/// Arguments of `diff`.
#[derive(Debug, clap::Args)]
pub(crate) struct DiffArgs {
    /// How it was: a workspace folder, a bundle, or `git:` and a commit, for the folder of the other side.
    pub(crate) old: String,
    /// How it is: likewise.
    pub(crate) new: String,
    /// What fails the comparison: a milder decision, any other decision, or nothing. Where that is undecided, the exit
    /// code is 3.
    #[arg(long, value_enum, default_value_t = DiffFailOn::Loosened)]
    pub(crate) fail_on: DiffFailOn,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = DiffFormat::Text)]
    pub(crate) format: DiffFormat,
}

/// Formats of `diff`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DiffFormat {
    /// For people.
    Text,
    /// One JSON object, described by docs/diff.schema.json.
    Json,
    /// For a comment on a change.
    Markdown,
}

/// What fails a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DiffFailOn {
    /// A milder decision.
    Loosened,
    /// Another decision, milder or stricter.
    Any,
    /// Nothing.
    Never,
}

/// Arguments of `graph`.
#[derive(Debug, clap::Args)]
pub(crate) struct GraphArgs {
    /// A workspace folder, a folder within one, or a single policy file.
    #[arg(default_value = ".")]
    pub(crate) path: PathBuf,
    /// The language of the drawing.
    #[arg(long, value_enum, default_value_t = GraphFormat::Dot)]
    pub(crate) format: GraphFormat,
}

/// Arguments of `lsp`.
#[derive(Debug, clap::Args)]
pub(crate) struct LspArgs {
    /// Accepted because editors pass it; standard input and output are the only transport.
    #[arg(long)]
    pub(crate) stdio: bool,
}

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    /// The bundle to serve, or a workspace folder that is compiled first; what is active in the database, if left out.
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: Option<PathBuf>,
    /// Where data is kept: `sqlite://FILE` or `postgres://USER@HOST/NAME`.
    #[arg(long, value_name = "URL", default_value = "sqlite://ordain.db")]
    pub(crate) database: String,
    /// Address to listen on.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8642")]
    pub(crate) listen: SocketAddr,
    /// For trying out: this machine only, no credential asked, everybody may do everything.
    #[arg(long)]
    pub(crate) dev: bool,
    /// The tenant whose bundle `--bundle` is; under `--dev`, whose everything is.
    #[arg(long, value_name = "NAME", default_value = "demo-tenant")]
    pub(crate) tenant: String,
}

/// Arguments of `apikey`.
#[derive(Debug, clap::Args)]
pub(crate) struct ApikeyArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: ApikeyCommand,
    /// Where data is kept: `sqlite://FILE` or `postgres://USER@HOST/NAME`.
    #[arg(long, global = true, value_name = "URL", default_value = "sqlite://ordain.db")]
    pub(crate) database: String,
    /// The tenant whose keys they are.
    #[arg(long, global = true, value_name = "NAME", default_value = "demo-tenant")]
    pub(crate) tenant: String,
    /// How it is written.
    #[arg(long, global = true, value_enum, default_value_t = TextOrJson::Text)]
    pub(crate) format: TextOrJson,
}

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum ApikeyCommand {
    /// Make a key and show it, once.
    Create(ApikeyCreateArgs),
    /// List all keys, also those that count no more.
    List,
    /// Revoke a key at once.
    Revoke {
        /// The key's `id`, as in the list.
        id: String,
    },
    /// Make a key like another, which ends after a while.
    Rotate {
        /// The key's `id`, as in the list.
        id: String,
        /// For how long the old key still counts: `24h`, `7d`, `0s`.
        #[arg(long, value_name = "DURATION", default_value = "24h")]
        grace: Lifetime,
    },
}

/// Arguments of `apikey create`.
#[derive(Debug, clap::Args)]
pub(crate) struct ApikeyCreateArgs {
    /// The person whose key it is.
    #[arg(long, value_name = "NAME", required_unless_present = "service", conflicts_with = "service")]
    pub(crate) human: Option<String>,
    /// The program whose key it is.
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Option<String>,
    /// What it may do: viewer, author, approver, ingest, decide, operator; several with commas between them.
    #[arg(long = "role", value_name = "ROLE", required = true, value_delimiter = ',')]
    pub(crate) roles: Vec<ordain_runtime::Role>,
    /// For how long it counts: `90d`, `12h`; or `never` for one that doesn't end.
    #[arg(long, value_name = "DURATION", default_value = "90d")]
    pub(crate) expires: Lifetime,
}

/// A length of time, or for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lifetime(pub(crate) Option<jiff::SignedDuration>);

impl std::str::FromStr for Lifetime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "never" {
            return Ok(Self(None));
        }
        let wanted = || format!("`{text}` is no length of time; write it like `90d`, `12h` or `never`");
        let span: jiff::Span = text.parse().map_err(|_| wanted())?;
        let length = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| wanted())?;
        if length.is_negative() { Err(wanted()) } else { Ok(Self(Some(length))) }
    }
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// If standard output is a terminal.
    Auto,
    /// In any case.
    Always,
    /// In no case.
    Never,
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

/// Formats of `inspect`, `eval` and `simulate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TextOrJson {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Formats of `test`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TestFormat {
    /// For people: a line for each package, and everything about what fails.
    Text,
    /// One JSON object, described by docs/test.schema.json.
    Json,
    /// XML for continuous integration; a suite for each package.
    Junit,
}

/// Formats of coverage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CoverageFormat {
    /// A table, and what is left to test.
    Text,
    /// One JSON object, described by docs/test.schema.json.
    Json,
    /// A trace for genhtml, editors and code hosts.
    Lcov,
}

impl std::fmt::Display for CoverageFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Lcov => "lcov",
        })
    }
}

/// Formats of `explain`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PageFormat {
    /// For a terminal.
    Text,
    /// As it stands in the documentation.
    Markdown,
    /// For programs.
    Json,
}

/// Formats of `graph`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    /// Graphviz.
    Dot,
    /// Mermaid, as GitHub renders it.
    Mermaid,
    /// Nodes and edges.
    Json,
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
