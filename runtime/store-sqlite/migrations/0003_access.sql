-- API keys. Of the secret only its hash is kept. The prefix is what a key is looked up by, before anybody knows
-- whose it is, so no two tenants share one.
CREATE TABLE api_keys (
    tenant_id      TEXT    NOT NULL,
    id             TEXT    NOT NULL,
    prefix         TEXT    NOT NULL CONSTRAINT uq_api_keys_prefix UNIQUE,
    hash           BLOB    NOT NULL CONSTRAINT ck_api_keys_hash CHECK (length(hash) = 32),
    principal_kind TEXT    NOT NULL
        CONSTRAINT ck_api_keys_principal_kind CHECK (principal_kind IN ('human', 'service')),
    principal      TEXT    NOT NULL,
    -- Separated by commas.
    roles          TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    expires_at     INTEGER,
    revoked_at     INTEGER,
    last_used_at   INTEGER,
    replaces       TEXT,
    PRIMARY KEY (tenant_id, id)
) STRICT;
