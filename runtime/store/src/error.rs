//! What can go wrong in a store.

use std::error::Error;
use std::fmt;

/// Why a store can't answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database can't be opened at all.
    #[error("cannot open the database `{url}`: {reason}")]
    Open {
        /// Which one, without its password.
        url: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The database can't be reached, or refused.
    #[error("the database does not answer: {0}")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// What is stored makes no sense: somebody else wrote it, or a bug of ours.
    #[error("the database holds something that cannot be read: {table}.{column} of `{row}`: {reason}")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The key of the row.
        row: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl StoreError {
    /// The database can't be reached, or refused.
    pub fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(cause.into())
    }

    /// A column that can't be read.
    pub fn inconsistent(
        table: &'static str,
        column: &'static str,
        row: &dyn fmt::Display,
        reason: &dyn fmt::Display,
    ) -> Self {
        Self::Inconsistent { table, column, row: row.to_string(), reason: reason.to_string() }
    }
}

/// A database URL fit for logs and messages: `***` instead of its password, wherever it stands.
pub fn redacted(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (main, query) = rest.split_once('?').map_or((rest, None), |(main, query)| (main, Some(query)));
    // A password may hold an unescaped `/` or `@`, so the last `@` ends it.
    let main = match main.rsplit_once('@') {
        Some((user, host)) => match user.split_once(':') {
            Some((name, _)) => format!("{name}:***@{host}"),
            None => main.to_owned(),
        },
        None => main.to_owned(),
    };
    let query = query.map(|query| {
        let part = |part: &str| match part.split_once('=') {
            Some((key, _)) if key.to_ascii_lowercase().contains("password") => format!("{key}=***"),
            _ => part.to_owned(),
        };
        format!("?{}", query.split('&').map(part).collect::<Vec<_>>().join("&"))
    });
    format!("{scheme}://{main}{}", query.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_never_shown() {
        for (url, shown) in [
            ("postgres://me:s3cret@db:5432/x", "postgres://me:***@db:5432/x"),
            ("postgres://me:s3/c@ret@db/x?sslmode=disable", "postgres://me:***@db/x?sslmode=disable"),
            ("postgres://db/x?user=me&password=s3cret", "postgres://db/x?user=me&password=***"),
            ("postgres://me@db/x", "postgres://me@db/x"),
            ("sqlite:///tmp/a:b.db", "sqlite:///tmp/a:b.db"),
            ("nonsense", "nonsense"),
        ] {
            assert_eq!(redacted(url), shown);
        }
    }
}
