//! From source text to checked, span-free policies, their dependencies and bundles
