-- How panels were when they were last looked at, and whose panels there are.

CREATE TABLE tenants (
    -- Bytewise, as programs compare.
    tenant_id TEXT COLLATE "C" PRIMARY KEY
);

CREATE TABLE panel_health (
    tenant_id        TEXT    NOT NULL,
    panel_id         TEXT COLLATE "C" NOT NULL,
    status           TEXT    NOT NULL
        CONSTRAINT ck_panel_health_status CHECK (status IN ('HEALTHY', 'EMPTY', 'STALE', 'BROKEN')),
    rows             BIGINT  CONSTRAINT ck_panel_health_rows CHECK (rows >= 0),
    newest_at        TIMESTAMPTZ,
    -- Since when it has shown less than is expected of it, without a break.
    below_since      TIMESTAMPTZ,
    alert_type       TEXT
        CONSTRAINT ck_panel_health_alert_type
        CHECK (alert_type IN ('EMPTY_PANEL', 'STALE_PANEL', 'FILTER_BREAK')),
    alert_since      TIMESTAMPTZ,
    first_checked_at TIMESTAMPTZ NOT NULL,
    checked_at       TIMESTAMPTZ NOT NULL,
    -- How many times it was looked at. Whoever has not seen the last look changes nothing.
    checks           BIGINT  NOT NULL CONSTRAINT ck_panel_health_checks CHECK (checks > 0),
    PRIMARY KEY (tenant_id, panel_id),
    CONSTRAINT ck_panel_health_alert CHECK ((alert_type IS NULL) = (alert_since IS NULL))
);

-- Nobody's tenant is set here, so for a moment the owner sees the rows of all.
DO $$
DECLARE
    name TEXT;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'api_keys', 'bundles', 'policy_proposals', 'violation_counts', 'evaluation_counts'
    ] LOOP
        EXECUTE format('ALTER TABLE %I NO FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('INSERT INTO tenants SELECT DISTINCT tenant_id FROM %I ON CONFLICT DO NOTHING', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['tenants', 'panel_health'] LOOP
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

-- Who looks at the panels of all tenants, one after the other, sees their names, and nothing else of anybody's.
CREATE POLICY every_name ON tenants FOR SELECT USING (current_setting('app.every_tenant', true) = 'on');

-- Written by triggers, so that no way in which a tenant comes to have something can forget it. Before the rows, so that this
-- one is locked first, whichever table a transaction begins with; and once a statement, however many rows it has.
CREATE FUNCTION note_tenant() RETURNS TRIGGER LANGUAGE plpgsql AS $$
DECLARE
    name TEXT := current_setting('app.tenant_id', true);
BEGIN
    IF name <> '' AND NOT EXISTS (SELECT 1 FROM tenants WHERE tenant_id = name) THEN
        INSERT INTO tenants (tenant_id) VALUES (name) ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER tr_api_keys_tenant BEFORE INSERT ON api_keys EXECUTE FUNCTION note_tenant();
CREATE TRIGGER tr_bundles_tenant BEFORE INSERT ON bundles EXECUTE FUNCTION note_tenant();
CREATE TRIGGER tr_policy_proposals_tenant BEFORE INSERT ON policy_proposals EXECUTE FUNCTION note_tenant();
CREATE TRIGGER tr_violations_tenant BEFORE INSERT ON violations EXECUTE FUNCTION note_tenant();
CREATE TRIGGER tr_evaluation_counts_tenant BEFORE INSERT ON evaluation_counts EXECUTE FUNCTION note_tenant();
