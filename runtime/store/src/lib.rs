//! Storage traits, an in-memory model and the conformance suite for all stores
