-- How panels were when they were last looked at, and whose panels there are.

-- Written by triggers, so that no way in which a tenant comes to have something can forget it. An upsert's own ways with
-- conflicts would hold in a trigger too, so what is there already is left out instead.
CREATE TABLE tenants (
    tenant_id TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TRIGGER tr_api_keys_tenant BEFORE INSERT ON api_keys BEGIN
    INSERT INTO tenants SELECT new.tenant_id WHERE new.tenant_id NOT IN (SELECT tenant_id FROM tenants);
END;
CREATE TRIGGER tr_bundles_tenant BEFORE INSERT ON bundles BEGIN
    INSERT INTO tenants SELECT new.tenant_id WHERE new.tenant_id NOT IN (SELECT tenant_id FROM tenants);
END;
CREATE TRIGGER tr_policy_proposals_tenant BEFORE INSERT ON policy_proposals BEGIN
    INSERT INTO tenants SELECT new.tenant_id WHERE new.tenant_id NOT IN (SELECT tenant_id FROM tenants);
END;
CREATE TRIGGER tr_violations_tenant BEFORE INSERT ON violations BEGIN
    INSERT INTO tenants SELECT new.tenant_id WHERE new.tenant_id NOT IN (SELECT tenant_id FROM tenants);
END;
CREATE TRIGGER tr_evaluation_counts_tenant BEFORE INSERT ON evaluation_counts BEGIN
    INSERT INTO tenants SELECT new.tenant_id WHERE new.tenant_id NOT IN (SELECT tenant_id FROM tenants);
END;

INSERT INTO tenants
SELECT tenant_id FROM api_keys UNION SELECT tenant_id FROM bundles UNION SELECT tenant_id FROM policy_proposals
UNION SELECT tenant_id FROM violation_counts UNION SELECT tenant_id FROM evaluation_counts;

CREATE TABLE panel_health (
    tenant_id        TEXT    NOT NULL,
    panel_id         TEXT    NOT NULL,
    status           TEXT    NOT NULL
        CONSTRAINT ck_panel_health_status CHECK (status IN ('HEALTHY', 'EMPTY', 'STALE', 'BROKEN')),
    rows             INTEGER CONSTRAINT ck_panel_health_rows CHECK (rows >= 0),
    newest_at        INTEGER,
    -- Since when it has shown less than is expected of it, without a break.
    below_since      INTEGER,
    alert_type       TEXT
        CONSTRAINT ck_panel_health_alert_type
        CHECK (alert_type IN ('EMPTY_PANEL', 'STALE_PANEL', 'FILTER_BREAK')),
    alert_since      INTEGER,
    first_checked_at INTEGER NOT NULL,
    checked_at       INTEGER NOT NULL,
    -- How many times it was looked at. Whoever has not seen the last look changes nothing.
    checks           INTEGER NOT NULL CONSTRAINT ck_panel_health_checks CHECK (checks > 0),
    PRIMARY KEY (tenant_id, panel_id),
    CONSTRAINT ck_panel_health_alert CHECK ((alert_type IS NULL) = (alert_since IS NULL))
) STRICT, WITHOUT ROWID;
