//! Policies, scopes, windows, conditions, quantities, diagnostics and the bundle format
