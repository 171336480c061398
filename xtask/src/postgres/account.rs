//! Whose process the server is. PostgreSQL refuses to run as root, so root lends it another account.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
};

use crate::failure::{Context, Failure, Outcome};

/// Accounts that exist for such a purpose, the first found is taken.
const NAMES: [&str; 2] = ["postgres", "nobody"];

/// Who runs the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Account {
    /// The same who runs us.
    Own,
    /// Another, since we are root.
    Other {
        /// Its name.
        name: String,
        /// Its number.
        uid: u32,
        /// The number of its group.
        gid: u32,
    },
}

impl Account {
    /// Who is to run it; `ours` is something that we made, so its owner is us.
    pub(crate) fn choose(ours: &Path) -> Outcome<Self> {
        if fs::metadata(ours).context("read", ours)?.uid() != 0 {
            return Ok(Self::Own);
        }
        let path = Path::new("/etc/passwd");
        find(&fs::read_to_string(path).context("read", path)?, &NAMES).ok_or_else(|| {
            let names = NAMES.join("` or `");
            Failure::new(format!(
                "PostgreSQL refuses to run as root, and there is no account `{names}` to lend: \
                 create one, or run this as another user"
            ))
        })
    }

    /// Its name, as a message wants it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Own => "you",
            Self::Other { name, .. } => name,
        }
    }

    /// A command of this account. It works in `folder` and knows nothing of our surroundings, where a
    /// stray `PGPORT` or locale could change what it does.
    pub(crate) fn command(&self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs([("LC_ALL", "C"), ("TZ", "UTC")]).env("HOME", folder).current_dir(folder);
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        if let Self::Other { uid, gid, .. } = self {
            command.uid(*uid).gid(*gid);
        }
        command
    }

    /// Makes `path` its own.
    pub(crate) fn give(&self, path: &Path) -> Outcome {
        match self {
            Self::Own => Ok(()),
            Self::Other { uid, gid, .. } => chown(path, Some(*uid), Some(*gid)).context("give away", path),
        }
    }

    /// The first folder on the way to `path`, itself included, that it may not enter.
    pub(crate) fn barred_from(&self, path: &Path) -> Option<PathBuf> {
        let Self::Other { uid, gid, .. } = self else { return None };
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mut way: Vec<&Path> = path.ancestors().collect();
        way.reverse();
        let enters = |folder: &&Path| {
            fs::metadata(folder).is_ok_and(|found| {
                let shift = match (found.uid() == *uid, found.gid() == *gid) {
                    (true, _) => 6,
                    (_, true) => 3,
                    _ => 0,
                };
                found.mode() >> shift & 1 == 1
            })
        };
        way.into_iter().find(|folder| !enters(folder)).map(Path::to_owned)
    }
}

/// The first of `names` in the text of `/etc/passwd`.
fn find(passwd: &str, names: &[&str]) -> Option<Account> {
    let entry = |wanted: &&str| {
        passwd.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next().filter(|name| name == wanted)?.to_owned();
            let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
            (uid != 0).then_some(Account::Other { name, uid, gid })
        })
    };
    names.iter().find_map(entry)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::temporary::Folder;

    #[test]
    fn the_preferred_account_is_found() {
        let passwd = "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65533::/:/bin/false\npostgres:x:bad:1::/:\n";
        let nobody = Account::Other { name: "nobody".into(), uid: 65534, gid: 65533 };
        assert_eq!(find(passwd, &NAMES), Some(nobody));
        assert_eq!(find("postgres:x:0:0::/:/bin/sh\n", &NAMES), None, "root by another name is root");
    }

    #[test]
    fn a_closed_folder_bars_the_way() {
        let folder = Folder::new_in(&std::env::temp_dir(), "test", 0o755).unwrap();
        let (closed, inner) = (folder.path().join("closed"), folder.path().join("closed/inner"));
        fs::create_dir_all(&inner).unwrap();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
        let stranger = Account::Other { name: "stranger".into(), uid: 4_000_000, gid: 4_000_000 };
        assert_eq!(stranger.barred_from(&inner), Some(fs::canonicalize(&closed).unwrap()));
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(stranger.barred_from(&inner), None);
        assert_eq!(Account::Own.barred_from(&inner), None);
    }
}
