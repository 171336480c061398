//! Workspaces of any size for measurements, as several teams of one organisation would write them.
//!
//! The same seed gives the same texts on every machine. What comes how often:
//!
//! - one package for all (`acme.base`): shared facts, a meter, conditions, scopes, a list and two templates;
//! - teams with a package each, of four files; a file has about 50 policies, its own conditions, and what it uses;
//! - the first team is the platform's; the others have a project each, and ten of them make a unit, which is a tenant;
//! - of ten policies six are rules, three are limits, and one comes from an application of a template;
//! - rules: half safety, the others ethical, temporal and system; conditions of one to four tests, a third of them
//!   through a `let`; three in ten have a priority, one in seven a window (of some hundreds, in five zones), one in
//!   twenty depends on another and one in thirty overrides one;
//! - limits: of six quantities, a third with a `per`, a third with a `warn at`, one in ten with a condition; one in
//!   forty is a guarantee;
//! - scopes: of a hundred, 40 the team's project, 52 one of its forty agents, 3 its agents by a pattern, 2 its project
//!   and a neighbour's, one the unit, one the unit but for a sandbox, and one the unit's agents of a kind in all
//!   projects; one in six of the platform team's is everything;
//! - each unit requires one kind of requests to be covered;
//! - half of the policies are documented, with one to three lines, and stand one clause to a line.

use std::fmt::Write as _;

use crate::random::Random;

/// Policies in one file.
const PER_FILE: usize = 50;
/// Files of one team.
const PER_TEAM: usize = 4;

/// The texts of a workspace.
#[derive(Clone, Debug)]
pub struct Workload {
    /// The texts by path, sorted.
    pub files: Vec<(String, String)>,
    /// How many policies they declare, each `warn at` and each policy of a template counted.
    pub policies: usize,
}

impl Workload {
    /// A workspace with at least this many policies, and at most four more.
    pub fn new(seed: u64, policies: usize) -> Self {
        let mut random = Random::new(seed);
        let mut workload =
            Self { files: vec![("base/shared.ordain".to_owned(), BASE.to_owned())], policies: 0 };
        let mut number = 0;
        while workload.policies < policies {
            let wanted = PER_FILE.min(policies - workload.policies);
            let (team, part) = (number / PER_TEAM, number % PER_TEAM);
            let (text, made) = Writer::new(&mut random, team, part).file(wanted);
            workload.files.push((format!("team-{team:03}/policies-{part}.ordain"), text));
            workload.policies += made;
            number += 1;
        }
        workload.files.sort();
        workload
    }

    /// Lines in all files.
    pub fn lines(&self) -> usize {
        self.files.iter().map(|(_, text)| text.lines().count()).sum()
    }

    /// Bytes in all files.
    pub fn bytes(&self) -> usize {
        self.files.iter().map(|(_, text)| text.len()).sum()
    }
}

const BASE: &str = "\
/// What all teams share.
package acme.base

use std.facts.*

/// How many records a request touches.
fact batch.size : int in 0..1_000_000
/// What the records are, as far as that is known.
fact record.class : enum { public, internal, pii, phi, secret } optional
/// What labels the ticket behind the request has.
fact ticket.labels : set of string

/// Messages that leave the house.
meter messages : count

let personal     = has record.class and record.class in { pii, phi }
let large        = batch.size > 10_000
let risky        = run.risk > 0.7 or tool.destructive
let writing      = { \"write\", \"update\", \"delete\", \"export\" }
let everyone     = tenant acme except project acme/sandbox
let reviewed     = any ticket.labels in { \"reviewed\", \"approved\" }

/// What a project spends a day.
template spend(team: project, cap: money USD, share: percent = 80%) {
  limit hard {
    type     cost_daily
    at most  cap
    enforce  block
    scope    team
    warn at  share
  }
}

/// Nothing leaves without review.
template review(team: project, tools: set of string = { \"export\" }) {
  rule ask {
    type     safety
    enforce  block
    scope    team
    when     tool.name in tools and not reviewed
  }
  rule note {
    type     system
    enforce  audit
    scope    team
    when     tool.name in tools
  }
}
";

/// The tenant of a team.
fn unit(team: usize) -> String {
    format!("unit-{:02}", team / 10)
}

/// Writes one file.
struct Writer<'r> {
    random: &'r mut Random,
    team: usize,
    part: usize,
    out: String,
    /// The names of rules in the file so far.
    rules: Vec<String>,
    made: usize,
}

impl<'r> Writer<'r> {
    fn new(random: &'r mut Random, team: usize, part: usize) -> Self {
        Self { random, team, part, out: String::new(), rules: vec![], made: 0 }
    }

    fn file(mut self, wanted: usize) -> (String, usize) {
        let (team, part) = (self.team, self.part);
        let _ = write!(
            self.out,
            "/// Policies of team {team}, part {part}.\npackage acme.team-{team:03}\n\nuse std.facts.*\nuse acme.base.*\n\n\
             let own-{part}    = tool.external and run.cost > {}.50 USD\n\
             let slow-{part}   = run.step > {} or run.retries > {}\n\n",
            self.random.below(90),
            self.random.below(50),
            self.random.below(9),
        );
        if part == 0 && team % 10 == 1 {
            let tool = self.random.below(60);
            let _ = writeln!(
                self.out,
                "require coverage safety for tool.name == \"tool-{tool}\" in tenant {}\n",
                unit(team)
            );
        }
        while self.made < wanted {
            match self.random.below(10) {
                0..=5 => self.rule(),
                6..=8 => self.limit(),
                _ => self.apply(),
            }
        }
        (self.out, self.made)
    }

    fn doc(&mut self) {
        const LINES: [&str; 4] = [
            "Agreed with the security team after the incident in spring.",
            "Customers are told about this in the data protection agreement.",
            "See the runbook for what to do when it fires.",
            "Reviewed every quarter.",
        ];
        if self.random.chance(50) {
            for _ in 0..=self.random.below(3) {
                let line = self.random.pick(&LINES);
                let _ = writeln!(self.out, "/// {line}");
            }
        }
    }

    fn scope(&mut self) -> String {
        let (team, unit) = (self.team, unit(self.team));
        if team == 0 && self.random.below(6) == 0 {
            return "global".to_owned();
        }
        let project = format!("{unit}/team-{team:03}");
        match self.random.below(100) {
            0..40 => format!("project {project}"),
            40..92 => format!("agent {project}/worker-{}", self.random.below(40)),
            92..95 => format!("agent {project}/worker-{}*", self.random.below(4)),
            95..97 => format!("project {project}, {unit}/team-{:03}", team / 10 * 10 + self.random.below(10)),
            97 => format!("tenant {unit}"),
            98 => format!("tenant {unit} except project {unit}/sandbox"),
            _ => format!("agent {unit}/*/worker-{}", self.random.below(40)),
        }
    }

    fn window(&mut self) -> String {
        let zone =
            self.random.pick(&["Europe/Berlin", "America/New_York", "Asia/Tokyo", "Australia/Sydney", "UTC"]);
        let (start, end) = (6 + self.random.below(6), 15 + self.random.below(8));
        match self.random.below(10) {
            0..5 => format!("mon..fri {start:02}:00 .. {end:02}:00 in {zone}"),
            5..7 => format!("fri {end:02}:00 .. mon {start:02}:00 in {zone}"),
            7..9 => format!("{end:02}:30 .. {start:02}:30 in {zone}"),
            _ => format!(
                "{start:02}:00 .. {end:02}:00 in {zone} from 2026-{:02}-01 until 2027-01-01",
                1 + self.random.below(12)
            ),
        }
    }

    fn test(&mut self) -> String {
        let part = self.part;
        match self.random.below(12) {
            0 => "personal".to_owned(),
            1 => "large".to_owned(),
            2 => format!("own-{part}"),
            3 => format!("not slow-{part}"),
            4 => format!("tool.name == \"tool-{}\"", self.random.below(60)),
            5 => format!("tool.name like \"team-{}.*\"", self.random.below(60)),
            6 => "tool.name in writing".to_owned(),
            7 => format!("run.tokens_in + run.tokens_out > {}_000", 1 + self.random.below(400)),
            8 => format!("run.risk >= 0.{}", 1 + self.random.below(9)),
            9 => format!(
                "run.environment in {{ {}, production }}",
                self.random.pick(&["staging", "development"])
            ),
            10 => format!("batch.size > {}", self.random.below(1_000_000)),
            _ => "run.attended".to_owned(),
        }
    }

    fn condition(&mut self) -> String {
        let tests: Vec<String> = (0..=self.random.below(4)).map(|_| self.test()).collect();
        tests.join(self.random.pick(&[" and ", " and ", " or "]))
    }

    fn rule(&mut self) {
        self.doc();
        let name = format!("rule-{}-{}", self.part, self.rules.len());
        let concern = self.random.pick(&["safety", "safety", "safety", "ethical", "temporal", "system"]);
        let mode = self.random.pick(&["block", "warn", "audit"]);
        let scope = self.scope();
        let _ = write!(
            self.out,
            "rule {name} {{\n  type      {concern}\n  enforce   {mode}\n  scope     {scope}\n"
        );
        if self.random.chance(30) {
            let _ = writeln!(self.out, "  priority  {}", self.random.below(10) * 10);
        }
        if self.random.chance(14) {
            let window = self.window();
            let _ = writeln!(self.out, "  active    {window}");
        }
        let condition = self.condition();
        let _ = writeln!(self.out, "  when      {condition}");
        if self.random.chance(5) && !self.rules.is_empty() {
            let other = self.random.pick(&self.rules);
            let _ = writeln!(self.out, "  depends on {other}");
        }
        if self.random.chance(3) && !self.rules.is_empty() {
            let other = self.random.pick(&self.rules);
            let _ = writeln!(self.out, "  overrides {other} because \"the narrower one knows better\"");
        }
        self.out.push_str("}\n\n");
        self.rules.push(name);
        self.made += 1;
    }

    fn limit(&mut self) {
        self.doc();
        let number = self.made;
        let (ty, bound) = match self.random.below(6) {
            0 => ("tokens_daily", format!("{}_000", 1 + self.random.below(900))),
            1 => ("runs_hourly", format!("{}", 1 + self.random.below(600))),
            2 => ("cost_monthly", format!("{}.00 USD", 10 + self.random.below(900))),
            3 => ("cost_per_run", format!("{}.50 USD", 1 + self.random.below(9))),
            4 => ("messages_daily", format!("{}", 1 + self.random.below(600))),
            _ => ("runs_per_minute", format!("{}", 1 + self.random.below(60))),
        };
        let scope = self.scope();
        let enforcement = self.random.pick(&["block", "queue", "degrade"]);
        if ty != "cost_per_run" && self.random.below(40) == 0 {
            let least = if ty == "cost_monthly" { "2.00 USD" } else { "2" };
            let _ = write!(
                self.out,
                "limit floor-{}-{number} {{\n  type      {ty}\n  at least  {least}\n  enforce   reject\n  scope     {scope}\n}}\n\n",
                self.part
            );
            self.made += 1;
            return;
        }
        let _ = write!(
            self.out,
            "limit limit-{}-{number} {{\n  type      {ty}\n  at most   {bound}\n  enforce   {enforcement}\n  scope     {scope}\n",
            self.part
        );
        if self.random.chance(33) && ty != "cost_per_run" {
            let _ = writeln!(self.out, "  per       agent");
        }
        if self.random.chance(33) {
            let _ = writeln!(self.out, "  warn at   80%");
            self.made += 1;
        }
        if self.random.chance(10) {
            let condition = self.test();
            let _ = writeln!(self.out, "  when      {condition}");
        }
        self.out.push_str("}\n\n");
        self.made += 1;
    }

    fn apply(&mut self) {
        let (team, part, number) = (self.team, self.part, self.made);
        let unit = unit(team);
        let _ = if self.random.chance(50) {
            let cap = 100 + self.random.below(900);
            writeln!(
                self.out,
                "apply spend(team = {unit}/team-{team:03}, cap = {cap}.00 USD) as spend-{part}-{number}\n"
            )
        } else {
            writeln!(
                self.out,
                "apply review(team = {unit}/team-{team:03}, tools = {{ \"export\", \"tool-{}\" }}) as review-{part}-{number}\n",
                self.random.below(60)
            )
        };
        self.made += 2;
    }
}

#[cfg(test)]
mod tests {
    use ordain_compiler::{Config, Database, Workspace, compile};

    use super::*;

    #[test]
    fn workloads_compile_and_have_the_policies_that_they_say() {
        let workload = Workload::new(1, 500);
        let again = Workload::new(1, 500);
        assert_eq!(workload.files, again.files);
        let db = Database::default();
        let workspace = Workspace::of(&db, Config::named("w"), workload.files.clone());
        let compiled = compile(&db, workspace);
        assert_eq!(compiled.diagnostics, []);
        assert_eq!(compiled.policies.len(), workload.policies);
        assert!((500..505).contains(&workload.policies));
    }
}
