//! Builds anew when a page of a code comes or goes: what is compiled in is a whole folder.

fn main() {
    println!("cargo::rerun-if-changed=../docs/src/codes");
}
