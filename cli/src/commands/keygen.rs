//! `ordain keygen`

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use ordain_ir::signature::PrivateKey;
use ordain_runtime::Random as _;

use crate::Verdict;
use crate::args::KeygenArgs;
use crate::commands::print;
use crate::failure::Failure;
use crate::random::SystemRandom;

/// Makes a pair of keys. Never replaces a file.
pub(crate) fn run(args: &KeygenArgs) -> Result<Verdict, Failure> {
    let private = &args.output;
    let mut name = private.clone().into_os_string();
    name.push(".pub");
    let public = PathBuf::from(name);
    let mut seed = [0; 32];
    SystemRandom.fill(&mut seed);
    let key = PrivateKey::from_seed(seed);
    // Before anything is written, so that no half of a pair is left.
    for path in [private, &public] {
        if path.symlink_metadata().is_ok() {
            let path = path.display();
            return Err(Failure::Other(format!(
                "`{path}` is there already, and a key is never replaced; name another file with `-o`"
            )));
        }
    }
    write(private, &key.to_pem(), 0o600)?;
    if let Err(failure) = write(&public, &key.public().to_pem(), 0o644) {
        let _ = fs::remove_file(private);
        return Err(failure);
    }
    print(&format!(
        "{}: the private key; keep it to yourself\n{}: the public key, {}\n",
        private.display(),
        public.display(),
        key.public()
    ))?;
    Ok(Verdict::Clean)
}

/// Writes a file that isn't there yet, which nobody else may read even for a moment if `mode` says so.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), Failure> {
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let written = file.and_then(|mut file| {
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        if written.is_err() {
            let _ = fs::remove_file(path);
        }
        written
    });
    written.map_err(|reason| Failure::Write { path: path.to_owned(), reason })
}
