-- Places that are watched for new bundles, and what was last taken from each.

CREATE TABLE watched_places (
    tenant_id   TEXT        NOT NULL,
    place       TEXT        NOT NULL,
    object      TEXT        NOT NULL,
    -- As the place says.
    modified_at TIMESTAMPTZ NOT NULL,
    digest      TEXT        NOT NULL,
    taken_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, place),
    CONSTRAINT fk_watched_places_bundle FOREIGN KEY (tenant_id, digest) REFERENCES bundles (tenant_id, digest)
);

ALTER TABLE watched_places ENABLE ROW LEVEL SECURITY;
ALTER TABLE watched_places FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON watched_places
    USING (tenant_id = current_setting('app.tenant_id', true))
    WITH CHECK (tenant_id = current_setting('app.tenant_id', true));

-- Another way for a bundle to come.
ALTER TABLE bundles DROP CONSTRAINT ck_bundles_origin;
ALTER TABLE bundles ADD CONSTRAINT ck_bundles_origin
    CHECK (origin IN ('start', 'upload', 'proposal', 'retirement', 'watch'));
