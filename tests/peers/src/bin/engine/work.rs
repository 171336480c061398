//! The rules and requests that every engine gets: about ten rules for each action, of three tests each, and in one
//! variant a time window in a zone.

use ordain_peers::random::Random;

/// `deny if action == … and risk > … and from <= hour < until`
#[derive(Clone, Debug)]
pub struct Rule {
    pub name: String,
    pub action: String,
    pub risk: i64,
    pub from: i64,
    pub until: i64,
    /// What the rule asks of the request's action.
    pub tools: Tools,
}

/// How rules name what they are about.
#[derive(Clone, Debug)]
pub enum Tools {
    /// This one.
    One(String),
    /// One of these.
    List([String; 3]),
    /// Those that begin so.
    Begin(String),
    /// Those that end so.
    End(String),
    /// Those in which this stands.
    Part(String),
    /// Whatever has this label.
    Label(String),
}

#[derive(Clone, Debug)]
pub struct Request {
    pub action: String,
    pub labels: [String; 2],
    pub risk: i64,
    /// Said by the request, or that of the clock on the wall in Berlin where rules have windows.
    pub hour: i64,
    /// Seconds since 1970.
    pub second: i64,
}

/// What rules are asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The hour is a fact of the request.
    Facts,
    /// The hour is that of a wall clock at the instant of the request.
    Windows,
    /// As facts; rules name actions by lists and by patterns, or ask for a label.
    Patterns,
    /// As facts; rules name actions by a part of their names.
    Parts,
    /// Each rule is a limit on runs a day (UTC) of its action; a request that breaks none counts for all of its action.
    Limits,
}

impl Shape {
    pub const ALL: [Self; 5] = [Self::Facts, Self::Windows, Self::Patterns, Self::Parts, Self::Limits];

    pub fn name(self) -> &'static str {
        match self {
            Self::Facts => "hours as facts",
            Self::Windows => "hours as time windows in Europe/Berlin",
            Self::Patterns => "hours as facts, tools by lists, patterns and labels",
            Self::Parts => "hours as facts, tools by a part of their names",
            Self::Limits => "limits on runs a day, counted",
        }
    }
}

/// How many runs a day a rule's limit allows.
pub fn cap(rule: &Rule) -> i64 {
    1 + rule.risk % 3
}

pub const REQUESTS: usize = 256;
pub const ZONE: &str = "Europe/Berlin";

impl Rule {
    /// Whether it is about what the request does.
    fn is_about(&self, request: &Request) -> bool {
        let action = &request.action;
        match &self.tools {
            Tools::One(one) => one == action,
            Tools::List(actions) => actions.contains(action),
            Tools::Begin(begin) => action.starts_with(begin),
            Tools::End(end) => action.ends_with(end),
            Tools::Part(part) => action.contains(part),
            Tools::Label(label) => request.labels.contains(label),
        }
    }
}

pub fn rules(count: usize, shape: Shape) -> Vec<Rule> {
    let (mut random, mut tools) = (Random::new(1), Random::new(3));
    let actions = (count / 10).max(1) as i64;
    (0..count)
        .map(|number| {
            let from = random.below(20);
            let mut of = |start: &str, end: &str| format!("{start}{}{end}", tools.below(actions));
            let action = format!("act{}", random.below(actions));
            Rule {
                name: format!("r{number:05}"),
                risk: random.below(100),
                from,
                until: from + 1 + random.below(24 - from),
                tools: match (shape, number % 4) {
                    (Shape::Patterns, 0) => Tools::List([of("act", ""), of("act", ".read"), of("act", "")]),
                    (Shape::Patterns, 1) => Tools::Begin(of("act", ".")),
                    (Shape::Patterns, 2) => Tools::End(of(".of", "")),
                    (Shape::Patterns, _) => Tools::Label(of("label", "")),
                    (Shape::Parts, _) => Tools::Part(of(".of", ".")),
                    _ => Tools::One(action.clone()),
                },
                action,
            }
        })
        .collect()
}

pub fn requests(count: usize, shape: Shape) -> Vec<Request> {
    let (mut random, mut tools) = (Random::new(2), Random::new(4));
    let actions = (count / 10).max(1) as i64;
    let zone = ordain_ir::zone::find(ZONE).expect("a known zone");
    (0..REQUESTS)
        .map(|_| {
            let mut action = format!("act{}", random.below(actions));
            if shape == Shape::Parts {
                action = format!("{action}.of{}.run", tools.below(actions));
            }
            if shape == Shape::Patterns {
                match tools.below(3) {
                    0 => action.push_str(".read"),
                    1 => action = format!("{action}.of{}", tools.below(actions)),
                    _ => {}
                }
            }
            let labels = [(); 2].map(|()| format!("label{}", tools.below(actions)));
            let risk = random.below(101);
            // On one of 24 days of 2026, all round the year.
            let second = 1_767_225_600 + random.below(24) * 15 * 86_400 + random.below(86_400);
            let at = jiff::Timestamp::from_second(second).expect("an instant of 2026");
            let hour = i64::from(zone.to_datetime(at).hour());
            Request { action, labels, risk, hour, second }
        })
        .collect()
}

/// What every engine has to answer, asked one request after the other: the names of the rules that deny, sorted.
pub fn expected(rules: &[Rule], requests: &[Request], shape: Shape) -> Vec<Vec<String>> {
    let mut used: std::collections::BTreeMap<(&str, i64), i64> = std::collections::BTreeMap::new();
    let mut names = vec![];
    for request in requests {
        let own = rules.iter().filter(|rule| rule.is_about(request));
        let day = request.second / 86_400;
        let denies = |rule: &&Rule| match shape {
            Shape::Limits => used.get(&(rule.name.as_str(), day)).copied().unwrap_or(0) + 1 > cap(rule),
            _ => request.risk > rule.risk && (rule.from..rule.until).contains(&request.hour),
        };
        let denying: Vec<String> = own.clone().filter(denies).map(|rule| rule.name.clone()).collect();
        if denying.is_empty() {
            for rule in own {
                *used.entry((&rule.name, day)).or_default() += 1;
            }
        }
        names.push(denying);
    }
    names
}
