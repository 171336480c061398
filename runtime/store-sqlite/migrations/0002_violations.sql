-- Violations whole. Nothing has ever written to the table that stood in their place.

DROP TABLE violations;

CREATE TABLE violations (
    tenant_id      TEXT    NOT NULL,
    id             TEXT    NOT NULL,
    violation_type TEXT    NOT NULL
        CONSTRAINT ck_violations_violation_type
        CHECK (violation_type IN ('cost', 'quota', 'rate', 'temporal', 'safety', 'ethical')),
    violation_kind TEXT    NOT NULL
        CONSTRAINT ck_violations_violation_kind CHECK (violation_kind IN ('STANDARD', 'ANOMALY', 'DIVERGENCE')),
    source         TEXT    NOT NULL
        CONSTRAINT ck_violations_source CHECK (source IN ('guard', 'sim', 'runtime', 'cost')),
    -- In thousandths.
    severity       INTEGER NOT NULL CONSTRAINT ck_violations_severity CHECK (severity BETWEEN 0 AND 1000),
    policy_id      TEXT,
    policy_name    TEXT,
    path           TEXT,
    run_id         TEXT,
    description    TEXT    NOT NULL,
    details        TEXT    CONSTRAINT ck_violations_details CHECK (details IS NULL OR json_valid(details)),
    is_synthetic   INTEGER NOT NULL CONSTRAINT ck_violations_is_synthetic CHECK (is_synthetic IN (0, 1)),
    synthetic_scenario_id TEXT,
    occurred_at    INTEGER NOT NULL,
    recorded_at    INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT ck_violations_policy CHECK ((policy_id IS NULL) = (policy_name IS NULL))
) STRICT;

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
    hour           INTEGER NOT NULL,
    violation_type TEXT    NOT NULL,
    violation_kind TEXT    NOT NULL,
    source         TEXT    NOT NULL,
    is_synthetic   INTEGER NOT NULL,
    violations     INTEGER NOT NULL CONSTRAINT ck_violation_counts_violations CHECK (violations > 0),
    PRIMARY KEY (tenant_id, hour, violation_type, violation_kind, source, is_synthetic)
) STRICT, WITHOUT ROWID;

-- Decisions by minute and by hour: `span` is the length in seconds of what begins at `start`.
CREATE TABLE evaluation_counts (
    tenant_id    TEXT    NOT NULL,
    span         INTEGER NOT NULL CONSTRAINT ck_evaluation_counts_span CHECK (span IN (60, 3600)),
    start        INTEGER NOT NULL,
    action       TEXT    NOT NULL
        CONSTRAINT ck_evaluation_counts_action
        CHECK (action IN ('ALLOW', 'AUDIT', 'WARN', 'DEGRADE', 'QUEUE', 'BLOCK')),
    evaluations  INTEGER NOT NULL CONSTRAINT ck_evaluation_counts_evaluations CHECK (evaluations > 0),
    microseconds INTEGER NOT NULL CONSTRAINT ck_evaluation_counts_microseconds CHECK (microseconds >= 0),
    PRIMARY KEY (tenant_id, span, start, action)
) STRICT, WITHOUT ROWID;
