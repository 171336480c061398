//! What tests reach of the policies, in several formats.

pub(crate) mod json;
pub(crate) mod lcov;
pub(crate) mod text;

use ordain_ir::decimal;

use crate::testing::coverage::Share;

/// `85.71%`, or `-` of nothing.
fn percent(share: Share) -> String {
    share.basis_points().map_or_else(
        || "-".to_owned(),
        |points| format!("{}%", decimal::format(i64::try_from(points).unwrap_or(i64::MAX), 2, 0)),
    )
}
