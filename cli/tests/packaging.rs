//! What `deploy/` holds fits the program: settings exist, flags exist, files are where they are looked for.

mod support;

use std::fs;
use std::process::Command;

use serde_yaml::Value;
use support::{Server, example, root, run};

fn text(path: &str) -> String {
    fs::read_to_string(root().join("deploy").join(path))
        .unwrap_or_else(|error| panic!("deploy/{path}: {error}"))
}

/// The same file, with what is secret in a folder of the test.
fn server_yaml(path: &str, folder: &tempfile::TempDir) -> std::path::PathBuf {
    let secret = folder.path().join("database-url");
    fs::write(&secret, format!("sqlite://{}\n", folder.path().join("a.db").display())).expect("works");
    let file: Value = serde_yaml::from_str(&text(path)).expect("is YAML");
    let named = file["database"]["url_file"].as_str().expect("names a file").to_owned();
    let here = folder.path().join("server.yaml");
    fs::write(&here, text(path).replace(&named, &secret.display().to_string())).expect("works");
    here
}

#[test]
fn the_configurations_are_fine() {
    for path in ["systemd/server.yaml", "compose/server.yaml"] {
        let folder = tempfile::tempdir().unwrap();
        let file = server_yaml(path, &folder);
        let said = run(["config".as_ref(), "check".as_ref(), file.as_os_str()]).expect_code(0).stdout;
        assert!(said.starts_with("the configuration is fine: "), "{path}: {said}");
    }
}

/// Each `Exec…=` of the unit, as words.
fn commands(unit: &str) -> Vec<Vec<&str>> {
    let lines = unit.lines().filter(|line| line.starts_with("Exec"));
    lines.map(|line| line.split_once('=').expect("has a value").1.split(' ').collect()).collect()
}

#[test]
fn the_unit_calls_the_program_as_it_can_be_called() {
    let unit = text("systemd/ordain.service");
    let commands = commands(&unit);
    assert_eq!(commands.len(), 2);
    for command in &commands {
        assert_eq!(command[0], "/usr/local/bin/ordain");
        let help = run([command[1], "--help"]).expect_code(0).stdout;
        let flags = command.iter().filter(|word| word.starts_with("--"));
        for flag in flags {
            assert!(help.contains(flag), "`ordain {}` has no `{flag}`", command[1]);
        }
    }
    // What the configuration names is what the unit provides.
    assert!(unit.contains("LoadCredential=database-url:"));
    assert!(text("systemd/server.yaml").contains("url_file: /run/credentials/ordain.service/database-url"));
    // Whoever is told to stop has the time that the configuration gives.
    let seconds = |text: &str, key: &str| -> u32 {
        let value = text.lines().find_map(|line| line.trim().strip_prefix(key)).expect("is there");
        value.trim().trim_end_matches('s').parse().expect("is a number of seconds")
    };
    let file = text("systemd/server.yaml");
    let needed = seconds(&file, "delay:") + seconds(&file, "deadline:");
    assert!(seconds(&unit, "TimeoutStopSec=") > needed);
    assert!(seconds(&text("compose/compose.yaml"), "stop_grace_period:") > needed);
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit() {
    // A unit's programs must be there, so this one names ours.
    let folder = tempfile::tempdir().unwrap();
    let unit = text("systemd/ordain.service").replace("/usr/local/bin/ordain", env!("CARGO_BIN_EXE_ordain"));
    let file = folder.path().join("ordain.service");
    fs::write(&file, unit).unwrap();
    let Ok(said) = Command::new("systemd-analyze").arg("verify").arg(&file).output() else { return };
    let words = String::from_utf8_lossy(&said.stderr).into_owned();
    let ours: Vec<_> = words.lines().filter(|line| line.contains("ordain.service")).collect();
    assert!(said.status.success() && ours.is_empty(), "{words}");
}

#[test]
fn the_compose_file_names_what_is_there() {
    let file: Value = serde_yaml::from_str(&text("compose/compose.yaml")).expect("is YAML");
    let (postgres, ordain) = (&file["services"]["postgres"], &file["services"]["ordain"]);
    for (service, name) in [(postgres, "postgres"), (ordain, "ordain")] {
        for secret in service["secrets"].as_sequence().expect("has secrets") {
            let path = file["secrets"][secret.as_str().expect("is a name")]["file"].as_str();
            assert!(path.is_some_and(|path| path.starts_with("./secrets/")), "{name}: {secret:?}");
        }
    }
    let image = postgres["image"].as_str().expect("is named");
    assert!(image.contains(':') && !image.ends_with(":latest"), "{image}: one version, so that data fits");
    for source in [file["configs"]["server"]["file"].as_str(), Some("./postgres/10-role.sh")] {
        text(&format!("compose/{}", source.expect("is named")));
    }
    let volumes = postgres["volumes"].as_sequence().expect("has volumes");
    assert!(volumes.iter().any(|volume| volume.as_str().is_some_and(|it| it.starts_with("./postgres:"))));
    let context = root().join("deploy/compose").join(ordain["build"]["context"].as_str().expect("is named"));
    assert!(context.join(ordain["build"]["dockerfile"].as_str().expect("is named")).exists());
    let health: Vec<_> = ordain["healthcheck"]["test"]
        .as_sequence()
        .expect("is a list")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(health, ["CMD", "ordain", "healthcheck"]);
    assert!(text("Dockerfile").contains(
        r#"HEALTHCHECK --interval=10s --timeout=6s --start-period=20s CMD ["ordain", "healthcheck"]"#
    ));
    let wanted = format!("FROM rust:{}-bookworm AS build", env!("CARGO_PKG_RUST_VERSION"));
    assert!(
        text("Dockerfile").contains(&wanted),
        "the image builds with the version that the workspace asks for"
    );
}

#[test]
fn a_server_says_whether_it_is_ready() {
    let folder = tempfile::tempdir().unwrap();
    let file = server_yaml("systemd/server.yaml", &folder);
    let server = Server::start_plainly(&example("acme"), &["--config", &file.display().to_string()]);
    let address = format!("http://{}/readyz", server.address());
    let said = run(["healthcheck", "--url", &address]).expect_code(0).stdout;
    assert_eq!(said, format!("{address}: ready\n"));
    // Where it listens follows from its configuration.
    let listen = format!("listen: {}", server.address());
    fs::write(&file, fs::read_to_string(&file).unwrap().replace("listen: 127.0.0.1:8642", &listen)).unwrap();
    let own = run(["healthcheck".as_ref(), "--config".as_ref(), file.as_os_str()]).expect_code(0).stdout;
    assert_eq!(own, said);
    server.stopped();
    let gone = run(["healthcheck", "--url", &address]).expect_code(1).stderr;
    assert!(gone.starts_with("not ready: ") && gone.contains("does not answer"), "{gone}");
}

/// Where a PostgreSQL and its `psql` are, the role of the Compose file is made, and a server runs as it.
#[test]
fn the_role_is_made_so_that_row_level_security_holds() {
    let Ok(url) = std::env::var("ORDAIN_TEST_POSTGRES_URL") else { return };
    let Ok(true) = Command::new("psql").arg("--version").output().map(|output| output.status.success())
    else {
        return;
    };
    let (base, _) = url.rsplit_once('/').expect("has a database");
    let host =
        base.rsplit_once('@').map_or_else(|| base.split_once("://").expect("a URL").1, |(_, host)| host);
    let (host, port) = host.split_once(':').expect("has a port");
    let name = format!("ordain_packaging_{}", std::process::id());
    let folder = tempfile::tempdir().unwrap();
    let password = folder.path().join("password");
    fs::write(&password, "it's \"secret\" \\ $HOME").unwrap();
    // The script as it is, but for the name: clusters of tests have other roles.
    let script = text("compose/postgres/10-role.sh").replace("ROLE ordain", &format!("ROLE {name}"));
    let script = script.replace("DATABASE ordain OWNER ordain", &format!("DATABASE {name} OWNER {name}"));
    let script = script.replace("ON DATABASE ordain", &format!("ON DATABASE {name}"));
    let mut made = Command::new("sh");
    let made = made.args(["-c", &script]).envs([("PGHOST", host), ("PGPORT", port), ("PGUSER", "postgres")]);
    let made = made.env("ORDAIN_PASSWORD_FILE", &password).output().expect("there is a shell");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let url = format!("postgres://{name}@{host}:{port}/{name}");
    let server = Server::start_plainly(&example("acme"), &["--database", &url]);
    assert_eq!(server.get("/readyz").0, 200, "the role isn't refused");
    let log = server.stopped();
    assert!(!log.contains("BYPASSRLS"), "{log}");
    for statement in [format!("DROP DATABASE {name} WITH (FORCE)"), format!("DROP ROLE {name}")] {
        let mut psql = Command::new("psql");
        let done = psql
            .args(["--no-psqlrc", "--dbname", &url.replace(&name, "postgres"), "-c", &statement])
            .status();
        assert!(done.is_ok_and(|status| status.success()));
    }
}
