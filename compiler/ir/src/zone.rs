//! Time zones, always from the IANA database that is compiled in, so that no machine's own copy can change
//! an answer.

use std::sync::LazyLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};

static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// The zone with this IANA name (`Europe/Berlin`, `UTC`), matched exactly but for case; `None` if unknown.
pub fn find(name: &str) -> Option<TimeZone> {
    DATABASE.get(name).ok()
}

/// All known zone names, for suggestions.
pub fn names() -> Vec<String> {
    DATABASE.available().map(|name| name.to_string()).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_database_is_compiled_in() {
        assert!(super::find("Europe/Berlin").is_some());
        assert!(super::find("Europe/Berlni").is_none());
        assert!(super::names().len() > 400);
    }
}
