-- Capabilities that a scenario has seen at work, from end to end.

CREATE TABLE capability_observations (
    tenant_id     TEXT    NOT NULL,
    capability_id TEXT    NOT NULL,
    scenario      TEXT    NOT NULL,
    observer_kind TEXT    NOT NULL
        CONSTRAINT ck_capability_observations_observer_kind CHECK (observer_kind IN ('human', 'service')),
    observer      TEXT    NOT NULL,
    observed_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, capability_id)
) STRICT, WITHOUT ROWID;
