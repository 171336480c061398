//! The one place where the program asks the machine for chance.

/// The machine's source of bytes that nobody can guess.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemRandom;

impl ordain_runtime::Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes)
            .expect("a machine without a source of chance can keep nothing secret, nor serve");
    }
}
