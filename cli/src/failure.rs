//! Why nothing was analysed.

use std::path::PathBuf;

use ordain_analyzer::AnalyzerError;
use ordain_ir::{BundleError, codes};

/// Usage, configuration or I/O. Each message says what is wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A file can't be read.
    #[error("cannot read `{}`: {reason}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: std::io::Error,
    },
    /// A file can't be written.
    #[error("cannot write `{}`: {reason}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: std::io::Error,
    },
    /// A bundle is not intact.
    #[error("`{}`: {reason} ({})", path.display(), codes::BAD_BUNDLE)]
    Bundle {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: BundleError,
    },
    /// The analysis refutes itself: a bug of ours, and no finding.
    #[error("{0}")]
    Bug(String),
    /// Anything else, in words.
    #[error("{0}")]
    Other(String),
}

impl From<AnalyzerError> for Failure {
    fn from(error: AnalyzerError) -> Self {
        match error {
            AnalyzerError::Witness { .. } | AnalyzerError::Certificate(_) => Self::Bug(error.to_string()),
            other => Self::Other(other.to_string()),
        }
    }
}

impl Failure {
    /// The exit code.
    pub(crate) const fn code(&self) -> u8 {
        match self {
            Self::Bug(_) => 101,
            _ => 2,
        }
    }

    /// From any error, with its own words.
    pub(crate) fn other(reason: impl std::fmt::Display) -> Self {
        Self::Other(reason.to_string())
    }
}
