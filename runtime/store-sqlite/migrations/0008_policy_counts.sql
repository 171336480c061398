-- How many violations name a policy, by the hour, so that nobody counts hundreds of thousands of rows for its evidence.

CREATE TABLE violation_policy_counts (
    tenant_id      TEXT    NOT NULL,
    policy_id      TEXT    NOT NULL,
    hour           INTEGER NOT NULL,
    violation_type TEXT    NOT NULL,
    is_synthetic   INTEGER NOT NULL,
    violations     INTEGER NOT NULL CONSTRAINT ck_violation_policy_counts_violations CHECK (violations > 0),
    PRIMARY KEY (tenant_id, policy_id, hour, violation_type, is_synthetic)
) STRICT, WITHOUT ROWID;

-- An hour has 3,600,000,000 microseconds. Instants before 1970 are none that a violation may have.
INSERT INTO violation_policy_counts
SELECT tenant_id, policy_id, occurred_at / 3600000000 * 3600000000, violation_type, is_synthetic, count(*)
FROM violations WHERE policy_id IS NOT NULL GROUP BY 1, 2, 3, 4, 5;
