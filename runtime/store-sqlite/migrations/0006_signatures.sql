-- Who vouches for bundles: whoever has signed them, or people who decided here.

CREATE TABLE bundle_signatures (
    tenant_id TEXT NOT NULL,
    digest    TEXT NOT NULL,
    -- Whose public key: `ed25519:` and base64.
    signer    TEXT NOT NULL,
    -- The signature's file.
    signature TEXT NOT NULL,
    PRIMARY KEY (tenant_id, digest, signer),
    CONSTRAINT fk_bundle_signatures_bundle
        FOREIGN KEY (tenant_id, digest) REFERENCES bundles (tenant_id, digest)
) STRICT;

-- Whether people's decisions made it here, and the bundle from elsewhere that it rests on then, if on any.
ALTER TABLE bundles ADD COLUMN decided_here INTEGER NOT NULL DEFAULT 0
    CONSTRAINT ck_bundles_decided_here CHECK (decided_here IN (0, 1));
ALTER TABLE bundles ADD COLUMN rests_on TEXT
    CONSTRAINT ck_bundles_rests_on CHECK (rests_on IS NULL OR decided_here = 1);
