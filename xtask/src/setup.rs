//! `setup`: the native library that the build needs, Z3, and the one that its answers are held against, cvc5.

use std::{fs, os::unix::fs::symlink, path::Path};

use crate::{
    failure::{Context, Failure, Outcome},
    install::Package,
    repository::Repository,
    wheel::Wheel,
};

/// Z3 5.4.1. The bindings and the recorded proofs belong to this release, so it changes only on purpose.
const Z3: [Wheel; 2] = [
    Wheel {
        package: "z3-solver",
        version: "5.4.1.0",
        platform: "manylinux_2_27_x86_64",
        sha256: "e680ce083683abca5d07c3e55c2f620ff9a29cb91c548eeeea27ae29e8060522",
        megabytes: 36,
    },
    Wheel {
        package: "z3-solver",
        version: "5.4.1.0",
        platform: "manylinux_2_38_aarch64",
        sha256: "f056cb9714bb7c56ad7d25d86786b5a42c8a3c80e68b11f39af5f469b5366395",
        megabytes: 33,
    },
];

/// cvc5 1.4.2, which only tests use, and only as another process.
const CVC5: [Wheel; 2] = [
    Wheel {
        package: "cvc5",
        version: "1.4.2",
        platform: "manylinux_2_17_x86_64",
        sha256: "fad09688fd0ee6ef6e8ce81fbf7e2ebaab466bd1b4bd6fefe0dd24ca772d089f",
        megabytes: 14,
    },
    Wheel {
        package: "cvc5",
        version: "1.4.2",
        platform: "manylinux_2_17_aarch64",
        sha256: "900375f5cd4771a7276f1e9f2fcd06899fae5a959e5abfba5d7c5b804f9da597",
        megabytes: 14,
    },
];

/// Places the second solver for the tests that compare it with the analyzer.
fn second_solver(repository: &Repository) -> Outcome {
    let wheel = Wheel::for_this_machine(&CVC5)?;
    let package = Package { wheel: &wheel, folder: "cvc5", members: &["cvc5.libs/"], top: "cvc5.libs" };
    if package.ensure(&repository.third_party())? {
        println!("cvc5 {} is now in `third_party/cvc5`; its hash is the known one", wheel.version);
    }
    Ok(())
}

/// Makes the checkout ready to build and to test.
pub(crate) fn all(repository: &Repository) -> Outcome {
    run(repository)?;
    second_solver(repository)
}

/// Makes the checkout ready to build.
pub(crate) fn run(repository: &Repository) -> Outcome {
    let wheel = Wheel::for_this_machine(&Z3)?;
    let package = Package { wheel: &wheel, folder: "z3", members: &["z3/lib/libz3.so"], top: "z3" };
    let place = repository.z3_library();
    let place = place.strip_prefix(repository.root()).unwrap_or(&place).display();
    if package.ensure(&repository.third_party())? {
        println!("Z3 {} is now in `{place}`; its hash is the known one", wheel.version);
    } else {
        println!("Z3 {} is in `{place}` already: nothing to do", wheel.version);
    }
    let target = repository.target()?;
    match target.parent() {
        Some(parent) if parent != repository.root() => link(&repository.third_party(), parent),
        _ => Ok(()),
    }
}

/// Programs look for the library beside the folder they are built in. When that is elsewhere, a link
/// there leads back to the checkout.
fn link(third_party: &Path, parent: &Path) -> Outcome {
    let link = parent.join("third_party");
    if fs::canonicalize(&link).ok().is_some_and(|found| fs::canonicalize(third_party).ok() == Some(found)) {
        return Ok(());
    }
    if link.symlink_metadata().is_ok_and(|found| !found.is_symlink()) {
        return Err(Failure::new(format!(
            "programs built there look for Z3 in `{0}`, which is in the way: move it, or set \
             `CARGO_TARGET_DIR` to another folder",
            link.display()
        )));
    }
    fs::create_dir_all(parent).context("create the folder", parent)?;
    // Made aside and moved over the old one, so that no program starts while there is none.
    let new = parent.join(format!(".third_party-{}", std::process::id()));
    symlink(third_party, &new).context("create the link", &new)?;
    fs::rename(&new, &link).context("replace the link", &link).inspect_err(|_| {
        let _ = fs::remove_file(&new);
    })?;
    println!("linked `{}` to it, since cargo builds there", link.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::temporary::Folder;

    #[test]
    fn every_hash_is_complete() {
        assert!(Z3.iter().chain(&CVC5).all(|wheel| wheel.sha256.len() == 64));
    }

    #[test]
    fn a_stale_link_is_replaced_and_a_folder_is_not() {
        let folder = Folder::new("test").unwrap();
        let (third_party, parent) = (folder.path().join("third_party"), folder.path().join("cache"));
        fs::create_dir(&third_party).unwrap();
        link(&third_party, &parent).unwrap();
        fs::remove_file(parent.join("third_party")).unwrap();
        symlink("/no/such/folder", parent.join("third_party")).unwrap();
        link(&third_party, &parent).unwrap();
        assert_eq!(fs::read_link(parent.join("third_party")).unwrap(), third_party);
        assert_eq!(fs::read_dir(&parent).unwrap().count(), 1);

        fs::remove_file(parent.join("third_party")).unwrap();
        fs::create_dir(parent.join("third_party")).unwrap();
        let failure = link(&third_party, &parent).unwrap_err();
        assert!(failure.message.contains("is in the way"), "{failure}");
        assert!(parent.join("third_party").is_dir());
    }
}
