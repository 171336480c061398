-- Every key begins with the tenant. Instants are microseconds since 1970-01-01T00:00:00Z. `definition` is the
-- whole value as JSON; the columns beside it are what lists are filtered and ordered by.

CREATE TABLE bundles (
    tenant_id    TEXT    NOT NULL,
    digest       TEXT    NOT NULL,
    workspace    TEXT    NOT NULL,
    language     TEXT    NOT NULL,
    compiler     TEXT    NOT NULL,
    content      BLOB    NOT NULL,
    is_active    INTEGER NOT NULL CONSTRAINT ck_bundles_is_active CHECK (is_active IN (0, 1)),
    uploaded_at  INTEGER NOT NULL,
    activated_at INTEGER NOT NULL,
    analysed_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, digest)
) STRICT;

CREATE UNIQUE INDEX uq_bundles_active ON bundles (tenant_id) WHERE is_active = 1;

CREATE TABLE policy_rules (
    tenant_id        TEXT    NOT NULL,
    id               TEXT    NOT NULL,
    name             TEXT    NOT NULL,
    rule_type        TEXT    NOT NULL
        CONSTRAINT ck_policy_rules_rule_type CHECK (rule_type IN ('SYSTEM', 'SAFETY', 'ETHICAL', 'TEMPORAL')),
    enforcement_mode TEXT    NOT NULL
        CONSTRAINT ck_policy_rules_enforcement_mode
        CHECK (enforcement_mode IN ('BLOCK', 'WARN', 'AUDIT', 'DISABLED')),
    scope            TEXT    NOT NULL
        CONSTRAINT ck_policy_rules_scope CHECK (scope IN ('GLOBAL', 'TENANT', 'PROJECT', 'AGENT')),
    source           TEXT    NOT NULL
        CONSTRAINT ck_policy_rules_source CHECK (source IN ('MANUAL', 'SYSTEM', 'LEARNED')),
    status           TEXT    NOT NULL
        CONSTRAINT ck_policy_rules_status CHECK (status IN ('ACTIVE', 'RETIRED')),
    bundle_digest    TEXT    NOT NULL,
    definition       TEXT    NOT NULL CONSTRAINT ck_policy_rules_definition CHECK (json_valid(definition)),
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_policy_rules_name UNIQUE (tenant_id, name),
    CONSTRAINT fk_policy_rules_bundle FOREIGN KEY (tenant_id, bundle_digest) REFERENCES bundles (tenant_id, digest)
) STRICT;

CREATE INDEX ix_policy_rules_rule_type ON policy_rules (tenant_id, rule_type);

CREATE TABLE limits (
    tenant_id      TEXT    NOT NULL,
    id             TEXT    NOT NULL,
    name           TEXT    NOT NULL,
    limit_category TEXT    NOT NULL
        CONSTRAINT ck_limits_limit_category CHECK (limit_category IN ('BUDGET', 'RATE', 'THRESHOLD')),
    limit_type     TEXT    NOT NULL,
    scope          TEXT    NOT NULL
        CONSTRAINT ck_limits_scope CHECK (scope IN ('GLOBAL', 'TENANT', 'PROJECT', 'AGENT', 'PROVIDER')),
    enforcement    TEXT    NOT NULL
        CONSTRAINT ck_limits_enforcement
        CHECK (enforcement IN ('BLOCK', 'WARN', 'REJECT', 'QUEUE', 'DEGRADE', 'ALERT')),
    status         TEXT    NOT NULL CONSTRAINT ck_limits_status CHECK (status IN ('ACTIVE', 'DISABLED')),
    bundle_digest  TEXT    NOT NULL,
    definition     TEXT    NOT NULL CONSTRAINT ck_limits_definition CHECK (json_valid(definition)),
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_limits_name UNIQUE (tenant_id, name),
    CONSTRAINT fk_limits_bundle FOREIGN KEY (tenant_id, bundle_digest) REFERENCES bundles (tenant_id, digest)
) STRICT;

CREATE INDEX ix_limits_limit_type ON limits (tenant_id, limit_type);

CREATE TABLE policy_conflicts (
    tenant_id     TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    position      INTEGER NOT NULL,
    conflict_type TEXT    NOT NULL
        CONSTRAINT ck_policy_conflicts_conflict_type
        CHECK (conflict_type IN ('SCOPE_OVERLAP', 'THRESHOLD_CONTRADICTION', 'TEMPORAL_CONFLICT', 'PRIORITY_OVERRIDE')),
    severity      TEXT    NOT NULL
        CONSTRAINT ck_policy_conflicts_severity CHECK (severity IN ('BLOCKING', 'WARNING')),
    resolved      INTEGER NOT NULL CONSTRAINT ck_policy_conflicts_resolved CHECK (resolved IN (0, 1)),
    definition    TEXT    NOT NULL CONSTRAINT ck_policy_conflicts_definition CHECK (json_valid(definition)),
    detected_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id)
) STRICT;

CREATE TABLE policy_dependencies (
    tenant_id       TEXT    NOT NULL,
    from_policy_id  TEXT    NOT NULL,
    to_policy_id    TEXT    NOT NULL,
    dependency_type TEXT    NOT NULL
        CONSTRAINT ck_policy_dependencies_dependency_type
        CHECK (dependency_type IN ('EXPLICIT', 'IMPLICIT_SCOPE', 'IMPLICIT_LIMIT')),
    position        INTEGER NOT NULL,
    definition      TEXT    NOT NULL CONSTRAINT ck_policy_dependencies_definition CHECK (json_valid(definition)),
    PRIMARY KEY (tenant_id, from_policy_id, to_policy_id, dependency_type)
) STRICT;

CREATE INDEX ix_policy_dependencies_to_policy_id ON policy_dependencies (tenant_id, to_policy_id);

-- What feeds the counts of the policy state. Only what is counted so far; proposals, violations and lessons
-- get their other columns with the routes that write them.

CREATE TABLE policy_proposals (
    tenant_id TEXT NOT NULL,
    id        TEXT NOT NULL,
    status    TEXT NOT NULL
        CONSTRAINT ck_policy_proposals_status CHECK (status IN ('draft', 'approved', 'rejected')),
    PRIMARY KEY (tenant_id, id)
) STRICT;

CREATE TABLE violations (
    tenant_id   TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    occurred_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id)
) STRICT;

CREATE INDEX ix_violations_occurred_at ON violations (tenant_id, occurred_at);

CREATE TABLE lessons_learned (
    tenant_id TEXT NOT NULL,
    id        TEXT NOT NULL,
    status    TEXT NOT NULL
        CONSTRAINT ck_lessons_learned_status
        CHECK (status IN ('pending', 'converted_to_draft', 'deferred', 'dismissed')),
    PRIMARY KEY (tenant_id, id)
) STRICT;
