-- Who vouches for bundles: whoever has signed them, or people who decided here.

CREATE TABLE bundle_signatures (
    tenant_id TEXT NOT NULL,
    digest    TEXT NOT NULL,
    -- Whose public key: `ed25519:` and base64.
    signer    TEXT COLLATE "C" NOT NULL,
    -- The signature's file.
    signature TEXT NOT NULL,
    PRIMARY KEY (tenant_id, digest, signer),
    CONSTRAINT fk_bundle_signatures_bundle
        FOREIGN KEY (tenant_id, digest) REFERENCES bundles (tenant_id, digest)
);

-- Whether people's decisions made it here, and the bundle from elsewhere that it rests on then, if on any.
ALTER TABLE bundles ADD COLUMN decided_here BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE bundles ADD COLUMN rests_on TEXT
    CONSTRAINT ck_bundles_rests_on CHECK (rests_on IS NULL OR decided_here);

ALTER TABLE bundle_signatures ENABLE ROW LEVEL SECURITY;
ALTER TABLE bundle_signatures FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON bundle_signatures
    USING (tenant_id = current_setting('app.tenant_id', true))
    WITH CHECK (tenant_id = current_setting('app.tenant_id', true));
