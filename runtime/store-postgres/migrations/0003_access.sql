-- API keys. Of the secret only its hash is kept. The prefix is what a key is looked up by, before anybody knows
-- whose it is, so no two tenants share one.
CREATE TABLE api_keys (
    tenant_id      TEXT    NOT NULL,
    id             UUID    NOT NULL,
    prefix         TEXT    NOT NULL CONSTRAINT uq_api_keys_prefix UNIQUE,
    hash           BYTEA   NOT NULL CONSTRAINT ck_api_keys_hash CHECK (length(hash) = 32),
    principal_kind TEXT    NOT NULL
        CONSTRAINT ck_api_keys_principal_kind CHECK (principal_kind IN ('human', 'service')),
    principal      TEXT    NOT NULL,
    -- Separated by commas.
    roles          TEXT    NOT NULL,
    created_at     TIMESTAMPTZ NOT NULL,
    expires_at     TIMESTAMPTZ,
    revoked_at     TIMESTAMPTZ,
    last_used_at   TIMESTAMPTZ,
    replaces       UUID,
    PRIMARY KEY (tenant_id, id)
);

ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON api_keys
    USING (tenant_id = current_setting('app.tenant_id', true))
    WITH CHECK (tenant_id = current_setting('app.tenant_id', true));
-- Who looks a key up knows its prefix and nothing else, and sees that one row.
CREATE POLICY look_up ON api_keys FOR SELECT USING (prefix = current_setting('app.key_prefix', true));
