-- Proposals whole. Nothing has ever written to the table that stood in their place.

DROP TABLE policy_proposals;

CREATE TABLE policy_proposals (
    tenant_id     TEXT    NOT NULL,
    id            UUID    NOT NULL,
    title         TEXT    NOT NULL,
    rationale     TEXT    NOT NULL,
    source        TEXT    NOT NULL
        CONSTRAINT ck_policy_proposals_source CHECK (source IN ('MANUAL', 'SYSTEM', 'LEARNED')),
    status        TEXT    NOT NULL
        CONSTRAINT ck_policy_proposals_status CHECK (status IN ('draft', 'approved', 'rejected')),
    version       INTEGER NOT NULL CONSTRAINT ck_policy_proposals_version CHECK (version >= 1),
    author_kind   TEXT    NOT NULL
        CONSTRAINT ck_policy_proposals_author_kind CHECK (author_kind IN ('human', 'service')),
    author        TEXT    NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL,
    updated_at    TIMESTAMPTZ NOT NULL,
    -- Only a person decides.
    reviewer      TEXT,
    reviewed_at   TIMESTAMPTZ,
    review_notes  TEXT,
    bundle_digest TEXT,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT ck_policy_proposals_review CHECK (
        (status = 'draft') = (reviewer IS NULL) AND (reviewer IS NULL) = (reviewed_at IS NULL)
        AND (reviewer IS NULL) = (review_notes IS NULL) AND (status = 'approved') = (bundle_digest IS NOT NULL)
    )
);

CREATE INDEX ix_policy_proposals_created_at ON policy_proposals (tenant_id, created_at DESC, id DESC);
CREATE INDEX ix_policy_proposals_status ON policy_proposals (tenant_id, status, created_at DESC, id DESC);

CREATE TABLE policy_versions (
    tenant_id   TEXT    NOT NULL,
    proposal_id UUID    NOT NULL,
    version     INTEGER NOT NULL CONSTRAINT ck_policy_versions_version CHECK (version >= 1),
    is_current  BOOLEAN NOT NULL,
    text        TEXT    NOT NULL,
    note        TEXT    NOT NULL,
    author_kind TEXT    NOT NULL
        CONSTRAINT ck_policy_versions_author_kind CHECK (author_kind IN ('human', 'service')),
    author      TEXT    NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, proposal_id, version),
    CONSTRAINT fk_policy_versions_proposal
        FOREIGN KEY (tenant_id, proposal_id) REFERENCES policy_proposals (tenant_id, id)
);

CREATE UNIQUE INDEX uq_policy_versions_current ON policy_versions (tenant_id, proposal_id) WHERE is_current;
CREATE INDEX ix_policy_versions_created_at
    ON policy_versions (tenant_id, created_at DESC, proposal_id DESC, version DESC);

-- What a person has accepted. It lasts as long as the conflict does.
CREATE TABLE conflict_acknowledgements (
    tenant_id       TEXT    NOT NULL,
    conflict_id     TEXT    NOT NULL,
    acknowledged_by TEXT    NOT NULL,
    reason          TEXT    NOT NULL,
    acknowledged_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, conflict_id)
);

-- Who did what. Nobody changes it. Its order is that in which it was written, whatever the clock said.
CREATE TABLE audit_log (
    position   BIGINT  GENERATED ALWAYS AS IDENTITY,
    tenant_id  TEXT    NOT NULL,
    id         UUID    NOT NULL,
    at         TIMESTAMPTZ NOT NULL,
    actor_kind TEXT    NOT NULL
        CONSTRAINT ck_audit_log_actor_kind CHECK (actor_kind IN ('human', 'service')),
    actor      TEXT    NOT NULL,
    action     TEXT    NOT NULL,
    subject    TEXT    NOT NULL,
    details    JSON    NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE INDEX ix_audit_log_position ON audit_log (tenant_id, position DESC);

CREATE FUNCTION audit_log_is_not_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is never changed';
END
$$;

CREATE TRIGGER audit_log_is_not_changed BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_is_not_changed();

-- A bundle may be there without ever having been active.
ALTER TABLE bundles ADD COLUMN activations BIGINT NOT NULL DEFAULT 1
    CONSTRAINT ck_bundles_activations CHECK (activations >= 0);
ALTER TABLE bundles ADD COLUMN origin TEXT NOT NULL DEFAULT 'start'
    CONSTRAINT ck_bundles_origin CHECK (origin IN ('start', 'upload', 'proposal', 'retirement'));

CREATE INDEX ix_bundles_uploaded_at ON bundles (tenant_id, uploaded_at DESC, digest);

DO $$
DECLARE
    name TEXT;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'policy_proposals', 'policy_versions', 'conflict_acknowledgements', 'audit_log'
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
