-- How many violations name a policy, by the hour, so that nobody counts hundreds of thousands of rows for its evidence.

CREATE TABLE violation_policy_counts (
    tenant_id      TEXT    NOT NULL,
    policy_id      UUID    NOT NULL,
    hour           TIMESTAMPTZ NOT NULL,
    violation_type TEXT    NOT NULL,
    is_synthetic   BOOLEAN NOT NULL,
    violations     BIGINT  NOT NULL CONSTRAINT ck_violation_policy_counts_violations CHECK (violations > 0),
    PRIMARY KEY (tenant_id, policy_id, hour, violation_type, is_synthetic)
);

-- Nobody's tenant is set here, so for a moment the owner sees the rows of all.
ALTER TABLE violations NO FORCE ROW LEVEL SECURITY;
INSERT INTO violation_policy_counts
SELECT tenant_id, policy_id, date_trunc('hour', occurred_at, 'UTC'), violation_type, is_synthetic, count(*)
FROM violations WHERE policy_id IS NOT NULL GROUP BY 1, 2, 3, 4, 5;
ALTER TABLE violations FORCE ROW LEVEL SECURITY;

ALTER TABLE violation_policy_counts ENABLE ROW LEVEL SECURITY;
ALTER TABLE violation_policy_counts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON violation_policy_counts
    USING (tenant_id = current_setting('app.tenant_id', true))
    WITH CHECK (tenant_id = current_setting('app.tenant_id', true));
