//! Specifications, oracles and end-to-end tests
