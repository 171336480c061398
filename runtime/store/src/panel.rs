//! The health of panels: what somebody who looks at each of them again and again has found.

use jiff::Timestamp;
use ordain_ir::wire_enum;

wire_enum! {
    /// How a panel is.
    pub enum PanelStatus {
        /// It shows at least as much as is expected of it.
        Healthy = "HEALTHY",
        /// It shows less than is expected of it.
        Empty = "EMPTY",
        /// The newest that it shows is too old.
        Stale = "STALE",
        /// Its request is answered with an error, or with something in which there is nothing to count.
        Broken = "BROKEN",
    }
}

wire_enum! {
    /// Why somebody has to look after a panel.
    pub enum PanelAlertType {
        /// It has been empty for too long.
        EmptyPanel = "EMPTY_PANEL",
        /// What it shows is too old.
        StalePanel = "STALE_PANEL",
        /// Its request is not answered as it should be.
        FilterBreak = "FILTER_BREAK",
    }
}

wire_enum! {
    /// How bad an alert is.
    pub enum PanelAlertSeverity {
        /// Somebody should look.
        Warning = "WARNING",
        /// Somebody should look now.
        Critical = "CRITICAL",
    }
}

impl PanelAlertType {
    /// How bad it is.
    pub fn severity(self) -> PanelAlertSeverity {
        match self {
            Self::EmptyPanel | Self::StalePanel => PanelAlertSeverity::Warning,
            Self::FilterBreak => PanelAlertSeverity::Critical,
        }
    }
}

/// An alert that is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PanelAlert {
    /// Why.
    pub alert_type: PanelAlertType,
    /// Since when.
    pub since: Timestamp,
}

/// How a panel of a tenant was when it was last looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PanelHealth {
    /// The panel.
    pub panel_id: String,
    /// How it was.
    pub status: PanelStatus,
    /// How much it showed; nothing is known of one that is broken.
    pub rows: Option<u64>,
    /// The newest that it has shown, where what it shows has a time.
    pub newest_at: Option<Timestamp>,
    /// Since when it has shown less than is expected, without a break.
    pub below_since: Option<Timestamp>,
    /// The alert that is on.
    pub alert: Option<PanelAlert>,
    /// When it was first looked at.
    pub first_checked_at: Timestamp,
    /// When it was last looked at.
    pub checked_at: Timestamp,
    /// How many times it was looked at.
    pub checks: u64,
}
