//! The command line.

mod apikey;
mod check;
mod scenario;
mod serve;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

pub(crate) use self::apikey::{ApikeyArgs, ApikeyCommand, ApikeyCreateArgs};
pub(crate) use self::check::{CheckArgs, CheckFormat, FailOn, Fixes};
pub(crate) use self::scenario::{ScenarioArgs, ScenarioCommand, ScenarioRunArgs};
pub(crate) use self::serve::{ConfigArgs, ConfigCommand, HealthcheckArgs, ServeArgs};
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
    /// Write a small workspace to start from: a rule, a limit and their tests. Replaces no file.
    Init(InitArgs),
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
    /// Check and show the configuration of `serve`.
    Config(ConfigArgs),
    /// Ask a server whether it is ready; exit with 1 if it isn't.
    Healthcheck(HealthcheckArgs),
    /// Drive a running server through scenarios.
    Scenario(ScenarioArgs),
    /// Make, list, rotate and revoke the keys that the API asks for.
    Apikey(ApikeyArgs),
    /// Print what makes a shell complete the words of `ordain`.
    Completions(CompletionsArgs),
    /// Write a manual page for each command.
    Man(ManArgs),
    /// Say whether everything is there that `ordain` needs, and what it sees of your workspace.
    Doctor(DoctorArgs),
}

/// Arguments of `init`.
#[derive(Debug, clap::Args)]
pub(crate) struct InitArgs {
    /// The folder; it is made if it isn't there.
    #[arg(default_value = ".", value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// What to start from.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) template: Template,
    /// Replace files of the template that are there.
    #[arg(long)]
    pub(crate) force: bool,
}

/// What `init` writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Template {
    /// A rule, a limit and their tests.
    #[default]
    Minimal,
    /// A folder for each of three teams, words that they share, and who agrees to changes.
    Team,
    /// The same as minimal, with the gate for GitHub and GitLab.
    Ci,
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

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
pub(crate) struct ManArgs {
    /// Where the pages go; it is made if it isn't there.
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
}

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub(crate) struct DoctorArgs {
    /// A workspace folder, a folder within one, or a single policy file.
    #[arg(default_value = ".")]
    pub(crate) path: PathBuf,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
    pub(crate) format: TextOrJson,
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
