-- Capabilities that a scenario has seen at work, from end to end.

CREATE TABLE capability_observations (
    tenant_id     TEXT    NOT NULL,
    -- Bytewise, as programs compare.
    capability_id TEXT COLLATE "C" NOT NULL,
    scenario      TEXT    NOT NULL,
    observer_kind TEXT    NOT NULL
        CONSTRAINT ck_capability_observations_observer_kind CHECK (observer_kind IN ('human', 'service')),
    observer      TEXT    NOT NULL,
    observed_at   TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, capability_id)
);

ALTER TABLE capability_observations ENABLE ROW LEVEL SECURITY;
ALTER TABLE capability_observations FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON capability_observations
    USING (tenant_id = current_setting('app.tenant_id', true))
    WITH CHECK (tenant_id = current_setting('app.tenant_id', true));
