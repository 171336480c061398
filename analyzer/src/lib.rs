//! Conflicts between policies: exact algebra, solver, evidence
