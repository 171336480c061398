//! `dependencies`: what we build upon, held against `deny.toml`.
//!
//! `cargo deny` reads the same file and knows more, so it runs too where it is installed. What is checked
//! here needs no further tool, and one thing `cargo deny` doesn't know: exceptions have a deadline.

mod date;
mod exceptions;
mod licence;

use std::collections::{BTreeMap, BTreeSet};
use std::{fs, path::Path, process::Command};

use serde_json::Value;
use toml::Table;

use crate::{
    failure::{Context, Failure, Outcome, indented},
    process,
    repository::Repository,
};
use date::Date;
use exceptions::{Exception, strings};

/// Checks the dependencies of the whole workspace.
pub(crate) fn run(repository: &Repository) -> Outcome {
    let path = repository.root().join("deny.toml");
    let text = fs::read_to_string(&path).context("read", &path)?;
    let policy: Table = toml::from_str(&text).map_err(|error| {
        Failure::new(format!("`deny.toml` is not TOML: {}", error.to_string().trim_end()))
    })?;
    let mut arguments = vec!["--locked", "--all-features"];
    for target in strings(&policy, "graph", "targets") {
        arguments.extend(["--filter-platform", target]);
    }
    let metadata = repository.metadata(&arguments)?;
    let packages = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();

    let exceptions = exceptions::read(&policy, &text);
    let mut problems = exceptions::problems(&exceptions, Date::today());
    problems.extend(unneeded(&exceptions, packages));
    problems.extend(sources(packages, repository.root()));
    problems.extend(banned(packages, &users(&metadata), &policy));
    problems.extend(licences(packages, &policy, &exceptions));
    if !problems.is_empty() {
        let list = indented(&problems);
        return Err(Failure::new(format!("the dependencies do not conform to `deny.toml`:{list}")));
    }
    println!("{} packages conform to `deny.toml`, with {} exceptions", packages.len(), exceptions.len());

    let installed = process::capture(Command::new("cargo-deny").arg("--version"));
    process::check_interrupted()?;
    if installed.is_ok_and(|output| output.status.success()) {
        process::run(&mut repository.cargo(&["deny", "check"]))?;
    }
    Ok(())
}

fn text<'a>(package: &'a Value, key: &str) -> &'a str {
    package[key].as_str().unwrap_or_default()
}

fn title(package: &Value) -> String {
    format!("`{} {}`", text(package, "name"), text(package, "version"))
}

/// Everything is either ours or of the one registry.
fn sources(packages: &[Value], root: &Path) -> Vec<String> {
    let from_registry = |source: &&str| ["registry+", "sparse+"].iter().any(|kind| source.starts_with(kind));
    let registry = packages.iter().filter_map(|package| package["source"].as_str()).find(from_registry);
    let problem = |package: &Value| match package["source"].as_str() {
        None if Path::new(text(package, "manifest_path")).starts_with(root) => None,
        None => Some(format!("{} lies outside of the checkout", title(package))),
        found if found == registry => None,
        Some(source) if from_registry(&source) => {
            Some(format!("{} comes from another registry than the rest", title(package)))
        }
        Some(source) => Some(format!("{} comes from `{source}`, not from the registry", title(package))),
    };
    packages.iter().filter_map(problem).collect()
}

/// By the identity of a package, the names of those that use it.
fn users(metadata: &Value) -> BTreeMap<&str, BTreeSet<&str>> {
    let packages = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let names: BTreeMap<&str, &str> =
        packages.iter().map(|package| (text(package, "id"), text(package, "name"))).collect();
    let mut users: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for node in metadata["resolve"]["nodes"].as_array().into_iter().flatten() {
        let user = names.get(text(node, "id")).copied().unwrap_or_default();
        for used in node["dependencies"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            users.entry(used).or_default().insert(user);
        }
    }
    users
}

/// What must not be in the tree, with the reason that `deny.toml` gives. A ban may leave some packages out that may use
/// what others may not (`wrappers`).
fn banned(packages: &[Value], users: &BTreeMap<&str, BTreeSet<&str>>, policy: &Table) -> Vec<String> {
    let bans = exceptions::list(policy, "bans", "deny");
    let problem = |package: &Value| {
        let ban = bans.iter().find(|ban| exceptions::name(ban) == Some(text(package, "name")))?;
        let wrappers = ban.get("wrappers").and_then(toml::Value::as_array);
        let may = |user: &&str| wrappers.into_iter().flatten().any(|name| name.as_str() == Some(*user));
        let by = users.get(text(package, "id")).into_iter().flatten().copied().collect::<Vec<_>>();
        if !by.is_empty() && by.iter().all(may) {
            return None;
        }
        let reason = ban.get("reason").and_then(toml::Value::as_str).unwrap_or("no reason given");
        Some(format!("{} is banned: {reason}", title(package)))
    };
    packages.iter().filter_map(problem).collect()
}

/// Packages whose licence is not allowed.
fn licences(packages: &[Value], policy: &Table, exceptions: &[Exception]) -> Vec<String> {
    let allowed = strings(policy, "licenses", "allow");
    let problem = |package: &Value| {
        let extra = exceptions.iter().filter(|exception| exception.is_licence_of(text(package, "name")));
        let extra: Vec<&str> = extra.flat_map(|exception| exception.licences.iter().copied()).collect();
        let Some(expression) = package["license"].as_str() else {
            return Some(format!("{} states no licence", title(package)));
        };
        match licence::permits(expression, &|name| allowed.contains(&name) || extra.contains(&name)) {
            Ok(true) => None,
            Ok(false) => Some(format!("{} has the licence `{expression}`, not allowed", title(package))),
            Err(error) => Some(format!("{}: {error}", title(package))),
        }
    };
    packages.iter().filter_map(problem).collect()
}

/// Exceptions for packages that are gone.
fn unneeded(exceptions: &[Exception], packages: &[Value]) -> Vec<String> {
    let gone = |exception: &&Exception| {
        let here = |package: &Value| exception.is_licence_of(text(package, "name"));
        !exception.licences.is_empty() && !packages.iter().any(here)
    };
    let problem =
        |exception: &Exception| format!("`{}` is no dependency: drop its exception", exception.name);
    exceptions.iter().filter(gone).map(problem).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(name: &str, licence: &str, source: Option<&str>) -> Value {
        let manifest = "/repository/x/Cargo.toml";
        json!({"name": name, "version": "1.0.0", "license": licence, "source": source, "manifest_path": manifest})
    }

    #[test]
    fn one_registry_and_the_checkout_are_the_only_sources() {
        let packages = [
            package("ours", "MIT", None),
            package("a", "MIT", Some("registry+one")),
            package("b", "MIT", Some("git+https://example.org/b")),
            package("c", "MIT", Some("registry+two")),
        ];
        let found = sources(&packages, Path::new("/repository"));
        assert_eq!(
            found,
            [
                "`b 1.0.0` comes from `git+https://example.org/b`, not from the registry",
                "`c 1.0.0` comes from another registry than the rest"
            ]
        );
        assert_eq!(sources(&packages[..1], Path::new("/elsewhere")).len(), 1);
    }

    #[test]
    fn bans_and_licences_are_enforced() {
        let text = r#"
            [licenses]
            allow = ["MIT"]
            exceptions = [
                # Its data only. FIX-DEADLINE: 2999-01-01
                { allow = ["Odd-1.0"], crate = "odd" },
                # Gone. FIX-DEADLINE: 2999-01-01
                { allow = ["Odd-1.0"], crate = "gone" },
            ]
            [bans]
            deny = [
                { crate = "openssl-sys", reason = "needs a system library" },
                { crate = "time", wrappers = ["certs"], reason = "another calendar" },
            ]
        "#;
        let policy: Table = toml::from_str(text).unwrap();
        let exceptions = exceptions::read(&policy, text);
        let packages = [
            package("openssl-sys", "MIT", None),
            package("odd", "Odd-1.0", None),
            package("other", "Odd-1.0", None),
            package("nonsense", "MIT OR", None),
            json!({"name": "silent", "version": "1.0.0", "license": null}),
        ];
        let nobody = BTreeMap::new();
        assert_eq!(
            banned(&packages, &nobody, &policy),
            ["`openssl-sys 1.0.0` is banned: needs a system library"]
        );
        let node = |id: &str, dependencies: &[&str]| json!({"id": id, "dependencies": dependencies});
        let named = |name: &str| {
            let mut package = package(name, "MIT", Some("registry+one"));
            package["id"] = name.into();
            package
        };
        let all = json!([named("time"), named("certs"), named("other")]);
        let with = |nodes: &[Value]| json!({"packages": all, "resolve": {"nodes": nodes}});
        let checked = |metadata: &Value| banned(all.as_array().unwrap(), &users(metadata), &policy);
        let alone = [node("certs", &["time"])];
        assert!(checked(&with(&alone)).is_empty(), "the one that may");
        let both = [node("certs", &["time"]), node("other", &["time"])];
        assert_eq!(checked(&with(&both)), ["`time 1.0.0` is banned: another calendar"]);
        assert_eq!(
            licences(&packages, &policy, &exceptions),
            [
                "`other 1.0.0` has the licence `Odd-1.0`, not allowed",
                "`nonsense 1.0.0`: a licence ends where a name should follow",
                "`silent 1.0.0` states no licence"
            ]
        );
        assert_eq!(unneeded(&exceptions, &packages), ["`gone` is no dependency: drop its exception"]);
    }
}
