//! The configuration of `serve`: files, environment and flags through the built program.

mod support;

use std::path::Path;

use serde_json::{Value, json};
use support::{Run, example, ordain, workspace};

/// Runs `ordain config …` in a folder with these variables.
fn config(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    let mut command = ordain();
    command.current_dir(folder).arg("config").args(arguments).envs(variables.iter().copied());
    Run::of(command.output().expect("the binary starts"))
}

const FILE: &str = "\
# server.yaml
listen: 0.0.0.0:9000
tenant: acme
database:
  url: postgres://ordain:s3cret@db.internal/ordain?sslmode=prefer
limits:
  body: 2MiB
  requests: 64
";

#[test]
fn flags_come_before_the_environment_and_that_before_the_file() {
    let folder = workspace(&[("server.yaml", FILE)]);
    let variables = [
        ("ORDAIN_CONFIG", "server.yaml"),
        ("ORDAIN_LIMITS_REQUESTS", "128"),
        ("ORDAIN_LISTEN", "127.0.0.1:1"),
    ];
    let flags = ["show", "--format", "json", "--listen", "127.0.0.1:2", "--set", "shutdown.deadline=1m"];
    let run = config(folder.path(), &flags, &variables).expect_code(0);
    assert!(!run.stdout.contains("s3cret"), "{}", run.stdout);
    let shown = run.json();
    for (key, value, from) in [
        ("listen", json!("127.0.0.1:2"), json!("flag --listen")),
        ("limits.requests", json!("128"), json!("environment ORDAIN_LIMITS_REQUESTS")),
        ("limits.body", json!("2MiB"), json!("server.yaml")),
        ("limits.time", json!("30s"), json!("default")),
        ("shutdown.deadline", json!("1m"), json!("flag --set shutdown.deadline")),
        (
            "database.url",
            json!("postgres://ordain:***@db.internal/ordain?sslmode=prefer"),
            json!("server.yaml"),
        ),
        ("bundle", Value::Null, Value::Null),
    ] {
        assert_eq!(shown[key], json!({ "value": value, "from": from }), "{key}");
    }
}

#[test]
fn what_is_shown_is_a_configuration() {
    let folder = workspace(&[("server.yaml", FILE)]);
    let shown = config(folder.path(), &["show", "--config", "server.yaml"], &[]).expect_code(0).stdout;
    assert!(
        shown.contains("  body: 2MiB  # server.yaml\n") && shown.contains("# bundle is not set\n"),
        "{shown}"
    );
    std::fs::write(folder.path().join("again.yaml"), &shown).unwrap();
    let again = config(folder.path(), &["show", "--config", "again.yaml"], &[]).expect_code(0).stdout;
    let values = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split("  #").next().unwrap_or(line).to_owned()).collect()
    };
    assert_eq!(values(&again), values(&shown));
}

#[test]
fn everything_that_is_wrong_is_told_with_its_place() {
    let text = "lisen: 127.0.0.1:1\nlimits:\n  body: big\n";
    let folder = workspace(&[("server.yaml", text), ("fine.yaml", "# nothing\n")]);
    let variables = [("ORDAIN_LIMITS_TIME", "30"), ("ORDAIN_LIMITS_REQUEST", "1")];
    let flags = ["check", "server.yaml", "--set", "limits.bdy=1", "--set", "nonsense"];
    let run = config(folder.path(), &flags, &variables).expect_code(1);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(
        lines,
        [
            "server.yaml:1:1: `lisen` is no setting; did you mean `listen`?",
            "server.yaml:3:9: `limits.body`: `big` is no size; write it like `1MiB`, `512KiB` or `65536`",
            "environment ORDAIN_LIMITS_TIME: `30` is no length of time; write it like `30s`, `1m30s` or `250ms`",
            "flag --set: `limits.bdy` is no setting; did you mean `limits.body`?",
            "flag --set: `nonsense` should be like `limits.body=2MiB`",
        ]
    );
    let fine =
        config(folder.path(), &["check", "fine.yaml"], &[("ORDAIN_LIMITS_REQUEST", "1")]).expect_code(0);
    assert_eq!(
        fine.stdout,
        "note: the environment variable `ORDAIN_LIMITS_REQUEST` means nothing; did you mean \
         `ORDAIN_LIMITS_REQUESTS`?\nthe configuration is fine: 0 settings from `fine.yaml`\n"
    );
    let missing = config(folder.path(), &["check", "none.yaml"], &[]).expect_code(2);
    assert!(missing.stderr.contains("cannot read `none.yaml`"), "{}", missing.stderr);
    let absent = config(folder.path(), &["check", "--bundle", "none", "--set", "database.url_file=no"], &[]);
    let absent = absent.expect_code(1).stdout;
    assert!(
        absent.contains("`bundle`: cannot read `none`") && absent.contains("`database.url_file`: "),
        "{absent}"
    );
    let traces = config(folder.path(), &["check", "--set", "traces.endpoint=http://127.0.0.1:4318"], &[]);
    if cfg!(feature = "traces") {
        traces.expect_code(0);
    } else {
        let traces = traces.expect_code(1).stdout;
        assert!(traces.contains("`traces.endpoint`: this build of ordain sends no traces"), "{traces}");
    }
    let both = ["check", "--database", "sqlite://a.db", "--set", "database.url_file=no"];
    let both = config(folder.path(), &both, &[]).expect_code(1).stdout;
    assert!(both.contains("both say where data is kept"), "{both}");
}

#[test]
fn what_is_expected_of_panels_is_checked_before_anything_is_served() {
    let fine = "panels:\n  POL-GOV-ACT-O5: { alert_after: 3d }\n";
    let odd = "panels:\n  POL-GOV-ACT-O6: { alert_after: 3d }\n";
    let folder = workspace(&[("fine.yaml", fine), ("odd.yaml", odd)]);
    let check = |file: &str| {
        config(folder.path(), &["check", "--set", "panels.interval=90s"], &[("ORDAIN_PANELS_REGISTRY", file)])
    };
    check("fine.yaml").expect_code(0);
    let wrong = check("odd.yaml").expect_code(1).stdout;
    let told =
        "odd.yaml:2:3: panels: there is no panel `POL-GOV-ACT-O6`; they are called like `POL-GOV-ACT-O1`\n";
    assert_eq!(wrong, format!("`panels.registry`: {told}"));
    let missing = check("none.yaml").expect_code(1).stdout;
    assert!(missing.starts_with("`panels.registry`: cannot read `none.yaml`"), "{missing}");
    let mut serve = ordain();
    serve.current_dir(folder.path()).args(["serve", "--dev", "--set", "panels.registry=odd.yaml"]);
    let run = Run::of(serve.output().expect("the binary starts")).expect_code(2);
    assert!(run.stderr.contains(told.trim_end()), "{}", run.stderr);
}

#[test]
fn nothing_is_served_by_a_wrong_configuration_and_secrets_stay_secret() {
    let folder = workspace(&[("server.yaml", "database:\n  url: mysql://me:s3cret@h/x\n  urll: x\n")]);
    let mut command = ordain();
    let run = Run::of(
        command.current_dir(folder.path()).args(["serve", "--config", "server.yaml"]).output().unwrap(),
    );
    let run = run.expect_code(2);
    assert!(
        run.stderr.contains("server.yaml:2:8: `database.url`: `mysql://me:***@h/x` is no database"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("server.yaml:3:3: `database.urll` is no setting; did you mean `database.url`?")
    );
    assert!(!run.stderr.contains("s3cret"), "{}", run.stderr);
}

/// A file, with the database's URL in another, that a server and `apikey` both read.
#[test]
fn the_server_and_those_who_make_keys_read_the_same_file() {
    let folder = workspace(&[]);
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("url"), format!("sqlite://{}\n", path("data.db"))).unwrap();
    let text = format!("tenant: acme\ndatabase:\n  url_file: {}\nlog: {{ format: json }}\n", path("url"));
    std::fs::write(path("server.yaml"), text).unwrap();
    let file = path("server.yaml");
    let make = ["apikey", "--config", &file, "create", "--human", "ada", "--role", "viewer"];
    let key = support::run(make).expect_code(0).stdout;
    let server = support::Server::start_plainly(&example("acme"), &["--config", &file]);
    let (status, answer) = server.get_with("/api/v1/policies/state", key.lines().next().unwrap());
    assert_eq!(status, 200, "{answer}");
    let log = server.stopped();
    let lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).expect("is an object")).collect();
    let asked =
        lines.iter().find(|line| line["span"]["path"] == "/api/v1/policies/state").expect("is logged");
    assert!(asked["span"]["request_id"].as_str().is_some_and(|id| id.len() == 36), "{asked}");
    assert_eq!(asked["fields"]["status"], 200, "{asked}");
}
