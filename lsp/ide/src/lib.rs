//! Editor features as plain data, without protocol types
