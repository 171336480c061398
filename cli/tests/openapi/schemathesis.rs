//! Schemathesis over the whole document: with a person's key, as another tenant, and without a key.

use std::process::Command;

use serde_json::json;

use crate::databases;
use crate::seed::{Seeded, configuration};
use crate::support::root;

fn number(variable: &str, otherwise: u64) -> u64 {
    let text = std::env::var(variable).ok();
    text.map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("`{variable}` is a number")))
}

#[test]
fn schemathesis_finds_nothing() {
    let Some(program) = std::env::var_os("ORDAIN_SCHEMATHESIS") else { return };
    let (cases, seed) = (number("ORDAIN_HTTP_CASES", 5), number("ORDAIN_HTTP_SEED", 0));
    let folder = tempfile::tempdir().unwrap();
    for database in databases(folder.path(), "schemathesis") {
        let kind = database.split("://").next().unwrap_or_default();
        let seeded = Seeded::start(&database);
        // What one user's requests brought to light must stay hidden from the users of the other tenant.
        let users: Vec<_> = seeded
            .people
            .iter()
            .map(|person| {
                let header = json!({ "name": "Authorization", "value": format!("Bearer {}", person.key) });
                json!({ "name": person.name, "fixedHeaders": [header] })
            })
            .collect();
        std::fs::write(folder.path().join("users.json"), json!({ "auth": users }).to_string()).unwrap();
        std::fs::copy(configuration(), folder.path().join("schemathesis.toml")).unwrap();
        let run = |what: &str, arguments: &[&str]| {
            let mut command = Command::new(&program);
            // Its folder has the configuration, and hears what is left behind.
            command.current_dir(folder.path()).args(["run", "--no-color", "--continue-on-failure"]);
            command.arg(root().join("docs/openapi.json"));
            command.args(["--url", &format!("http://{}", seeded.server.address())]);
            command.args(["--seed", &seed.to_string(), "--max-examples", &cases.to_string()]);
            command.args(["--generation-database", "none"]).args(arguments);
            let output = command.output().expect("Schemathesis starts");
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(
                output.status.success(),
                "{kind}, {what}:\n{text}{}",
                String::from_utf8_lossy(&output.stderr)
            );
            let cases = text.lines().find(|line| line.contains(" generated, ")).unwrap_or_default().trim();
            println!("{kind}, {what}: {cases}");
        };
        run("with a key", &["--auth-wfc", "users.json", "--auth-wfc-user", "ada"]);
        run("as another tenant", &["--auth-wfc", "users.json", "--auth-wfc-user", "eve"]);
        run("without a key", &["--phases", "coverage"]);
    }
}
