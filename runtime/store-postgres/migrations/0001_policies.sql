-- Every key begins with the tenant. `definition` is the whole value; the columns beside it are what lists are
-- filtered and ordered by. It is JSON, not JSONB: JSONB refuses the character U+0000, which a policy's text may
-- hold. Names and types are compared bytewise, whatever the database's collation.

CREATE TABLE bundles (
    tenant_id    TEXT    NOT NULL,
    digest       TEXT    NOT NULL,
    workspace    TEXT    NOT NULL,
    language     TEXT    NOT NULL,
    compiler     TEXT    NOT NULL,
    content      BYTEA   NOT NULL,
    is_active    BOOLEAN NOT NULL,
    uploaded_at  TIMESTAMPTZ NOT NULL,
    activated_at TIMESTAMPTZ NOT NULL,
    analysed_at  TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, digest)
);

CREATE UNIQUE INDEX uq_bundles_active ON bundles (tenant_id) WHERE is_active;

CREATE TABLE policy_rules (
    tenant_id        TEXT    NOT NULL,
    id               UUID    NOT NULL,
    name             TEXT    COLLATE "C" NOT NULL,
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
    definition       JSON    NOT NULL,
    created_at       TIMESTAMPTZ NOT NULL,
    updated_at       TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_policy_rules_name UNIQUE (tenant_id, name),
    CONSTRAINT fk_policy_rules_bundle FOREIGN KEY (tenant_id, bundle_digest) REFERENCES bundles (tenant_id, digest)
);

CREATE INDEX ix_policy_rules_rule_type ON policy_rules (tenant_id, rule_type);

CREATE TABLE limits (
    tenant_id      TEXT    NOT NULL,
    id             UUID    NOT NULL,
    name           TEXT    COLLATE "C" NOT NULL,
    limit_category TEXT    NOT NULL
        CONSTRAINT ck_limits_limit_category CHECK (limit_category IN ('BUDGET', 'RATE', 'THRESHOLD')),
    limit_type     TEXT    COLLATE "C" NOT NULL,
    scope          TEXT    NOT NULL
        CONSTRAINT ck_limits_scope CHECK (scope IN ('GLOBAL', 'TENANT', 'PROJECT', 'AGENT', 'PROVIDER')),
    enforcement    TEXT    NOT NULL
        CONSTRAINT ck_limits_enforcement
        CHECK (enforcement IN ('BLOCK', 'WARN', 'REJECT', 'QUEUE', 'DEGRADE', 'ALERT')),
    status         TEXT    NOT NULL CONSTRAINT ck_limits_status CHECK (status IN ('ACTIVE', 'DISABLED')),
    bundle_digest  TEXT    NOT NULL,
    definition     JSON    NOT NULL,
    created_at     TIMESTAMPTZ NOT NULL,
    updated_at     TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_limits_name UNIQUE (tenant_id, name),
    CONSTRAINT fk_limits_bundle FOREIGN KEY (tenant_id, bundle_digest) REFERENCES bundles (tenant_id, digest)
);

CREATE INDEX ix_limits_limit_type ON limits (tenant_id, limit_type);

CREATE TABLE policy_conflicts (
    tenant_id     TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    position      BIGINT  NOT NULL,
    conflict_type TEXT    NOT NULL
        CONSTRAINT ck_policy_conflicts_conflict_type
        CHECK (conflict_type IN ('SCOPE_OVERLAP', 'THRESHOLD_CONTRADICTION', 'TEMPORAL_CONFLICT', 'PRIORITY_OVERRIDE')),
    severity      TEXT    NOT NULL
        CONSTRAINT ck_policy_conflicts_severity CHECK (severity IN ('BLOCKING', 'WARNING')),
    resolved      BOOLEAN NOT NULL,
    definition    JSON    NOT NULL,
    detected_at   TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE policy_dependencies (
    tenant_id       TEXT    NOT NULL,
    from_policy_id  UUID    NOT NULL,
    to_policy_id    UUID    NOT NULL,
    dependency_type TEXT    NOT NULL
        CONSTRAINT ck_policy_dependencies_dependency_type
        CHECK (dependency_type IN ('EXPLICIT', 'IMPLICIT_SCOPE', 'IMPLICIT_LIMIT')),
    position        BIGINT  NOT NULL,
    definition      JSON    NOT NULL,
    PRIMARY KEY (tenant_id, from_policy_id, to_policy_id, dependency_type)
);

CREATE INDEX ix_policy_dependencies_to_policy_id ON policy_dependencies (tenant_id, to_policy_id);

-- What feeds the counts of the policy state. Only what is counted so far; proposals, violations and lessons
-- get their other columns with the routes that write them.

CREATE TABLE policy_proposals (
    tenant_id TEXT NOT NULL,
    id        TEXT NOT NULL,
    status    TEXT NOT NULL
        CONSTRAINT ck_policy_proposals_status CHECK (status IN ('draft', 'approved', 'rejected')),
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE violations (
    tenant_id   TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    occurred_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE INDEX ix_violations_occurred_at ON violations (tenant_id, occurred_at);

CREATE TABLE lessons_learned (
    tenant_id TEXT NOT NULL,
    id        TEXT NOT NULL,
    status    TEXT NOT NULL
        CONSTRAINT ck_lessons_learned_status
        CHECK (status IN ('pending', 'converted_to_draft', 'deferred', 'dismissed')),
    PRIMARY KEY (tenant_id, id)
);

-- A tenant is set for each transaction (`set_config('app.tenant_id', …, true)`); without one no row is visible.
-- FORCE, so that the owner of the tables is held to it too; only a superuser or a role with BYPASSRLS is not.

DO $$
DECLARE
    name TEXT;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'bundles', 'policy_rules', 'limits', 'policy_conflicts', 'policy_dependencies', 'policy_proposals',
        'violations', 'lessons_learned'
    ] LOOP
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
