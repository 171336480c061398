//! The rules and requests that every engine gets: about ten rules for each action, of three tests each, and in one
//! variant a time window in a zone.

/// `deny if action == … and risk > … and from <= hour < until`
#[derive(Clone, Debug)]
pub struct Rule {
    pub name: String,
    pub action: String,
    pub risk: i64,
    pub from: i64,
    pub until: i64,
}

#[derive(Clone, Debug)]
pub struct Request {
    pub action: String,
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
    /// Each rule is a limit on runs a day (UTC) of its action; a request that breaks none counts for all of its action.
    Limits,
}

impl Shape {
    pub const ALL: [Self; 3] = [Self::Facts, Self::Windows, Self::Limits];

    pub fn name(self) -> &'static str {
        match self {
            Self::Facts => "hours as facts",
            Self::Windows => "hours as time windows in Europe/Berlin",
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

/// Numbers that depend on nothing else: SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % bound as u64) as i64
    }
}

pub fn rules(count: usize) -> Vec<Rule> {
    let mut random = Random(1);
    let actions = (count / 10).max(1) as i64;
    (0..count)
        .map(|number| {
            let from = random.below(20);
            Rule {
                name: format!("r{number:05}"),
                action: format!("act{}", random.below(actions)),
                risk: random.below(100),
                from,
                until: from + 1 + random.below(24 - from),
            }
        })
        .collect()
}

pub fn requests(count: usize) -> Vec<Request> {
    let mut random = Random(2);
    let actions = (count / 10).max(1) as i64;
    let zone = ordain_ir::zone::find(ZONE).expect("a known zone");
    (0..REQUESTS)
        .map(|_| {
            let action = format!("act{}", random.below(actions));
            let risk = random.below(101);
            // On one of 24 days of 2026, all round the year.
            let second = 1_767_225_600 + random.below(24) * 15 * 86_400 + random.below(86_400);
            let at = jiff::Timestamp::from_second(second).expect("an instant of 2026");
            let hour = i64::from(zone.to_datetime(at).hour());
            Request { action, risk, hour, second }
        })
        .collect()
}

/// What every engine has to answer, asked one request after the other: the names of the rules that deny, sorted.
pub fn expected(rules: &[Rule], requests: &[Request], shape: Shape) -> Vec<Vec<String>> {
    let mut used: std::collections::BTreeMap<(&str, i64), i64> = std::collections::BTreeMap::new();
    let mut names = vec![];
    for request in requests {
        let own = rules.iter().filter(|rule| rule.action == request.action);
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
