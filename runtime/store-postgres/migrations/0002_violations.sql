-- Violations whole. Nothing has ever written to the table that stood in their place.

DROP TABLE violations;

CREATE TABLE violations (
    tenant_id      TEXT    NOT NULL,
    id             UUID    NOT NULL,
    violation_type TEXT    NOT NULL
        CONSTRAINT ck_violations_violation_type
        CHECK (violation_type IN ('cost', 'quota', 'rate', 'temporal', 'safety', 'ethical')),
    violation_kind TEXT    NOT NULL
        CONSTRAINT ck_violations_violation_kind CHECK (violation_kind IN ('STANDARD', 'ANOMALY', 'DIVERGENCE')),
    source         TEXT    NOT NULL
        CONSTRAINT ck_violations_source CHECK (source IN ('guard', 'sim', 'runtime', 'cost')),
    -- In thousandths.
    severity       SMALLINT NOT NULL CONSTRAINT ck_violations_severity CHECK (severity BETWEEN 0 AND 1000),
    policy_id      UUID,
    policy_name    TEXT,
    path           TEXT,
    run_id         TEXT,
    description    TEXT    NOT NULL,
    details        JSON,
    is_synthetic   BOOLEAN NOT NULL,
    synthetic_scenario_id TEXT,
    occurred_at    TIMESTAMPTZ NOT NULL,
    recorded_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT ck_violations_policy CHECK ((policy_id IS NULL) = (policy_name IS NULL))
);

-- One for each way in which panels ask, in the order of the list.
CREATE INDEX ix_violations_occurred_at ON violations (tenant_id, occurred_at DESC, id DESC);
CREATE INDEX ix_violations_violation_type ON violations (tenant_id, violation_type, occurred_at DESC, id DESC);
CREATE INDEX ix_violations_violation_kind ON violations (tenant_id, violation_kind, occurred_at DESC, id DESC);
CREATE INDEX ix_violations_source ON violations (tenant_id, source, occurred_at DESC, id DESC);
CREATE INDEX ix_violations_policy_id ON violations (tenant_id, policy_id, occurred_at DESC, id DESC)
    WHERE policy_id IS NOT NULL;

-- How many there are, by the hour in which they happened, so that nobody counts a million rows for a panel.
-- Written in the transaction that writes the rows themselves.
CREATE TABLE violation_counts (
    tenant_id      TEXT    NOT NULL,
    hour           TIMESTAMPTZ NOT NULL,
    violation_type TEXT    NOT NULL,
    violation_kind TEXT    NOT NULL,
    source         TEXT    NOT NULL,
    is_synthetic   BOOLEAN NOT NULL,
    violations     BIGINT  NOT NULL CONSTRAINT ck_violation_counts_violations CHECK (violations > 0),
    PRIMARY KEY (tenant_id, hour, violation_type, violation_kind, source, is_synthetic)
);

-- Decisions by minute and by hour: `span` is the length in seconds of what begins at `start`.
CREATE TABLE evaluation_counts (
    tenant_id    TEXT    NOT NULL,
    span         SMALLINT NOT NULL CONSTRAINT ck_evaluation_counts_span CHECK (span IN (60, 3600)),
    start        TIMESTAMPTZ NOT NULL,
    action       TEXT    NOT NULL
        CONSTRAINT ck_evaluation_counts_action
        CHECK (action IN ('ALLOW', 'AUDIT', 'WARN', 'DEGRADE', 'QUEUE', 'BLOCK')),
    evaluations  BIGINT  NOT NULL CONSTRAINT ck_evaluation_counts_evaluations CHECK (evaluations > 0),
    microseconds BIGINT  NOT NULL CONSTRAINT ck_evaluation_counts_microseconds CHECK (microseconds >= 0),
    PRIMARY KEY (tenant_id, span, start, action)
);

DO $$
DECLARE
    name TEXT;
BEGIN
    FOREACH name IN ARRAY ARRAY['violations', 'violation_counts', 'evaluation_counts'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY tenant_isolation ON %I
             USING (tenant_id = current_setting(''app.tenant_id'', true))
             WITH CHECK (tenant_id = current_setting(''app.tenant_id'', true))',
            name
        );
    END LOOP;
END
$$;
