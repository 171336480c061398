-- Places that are watched for new bundles, and what was last taken from each.

CREATE TABLE watched_places (
    tenant_id   TEXT    NOT NULL,
    place       TEXT    NOT NULL,
    object      TEXT    NOT NULL,
    -- As the place says.
    modified_at INTEGER NOT NULL,
    digest      TEXT    NOT NULL,
    taken_at    INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, place),
    CONSTRAINT fk_watched_places_bundle FOREIGN KEY (tenant_id, digest) REFERENCES bundles (tenant_id, digest)
) STRICT;

-- Another way for a bundle to come. A constraint can't be changed, so the column is made anew.
ALTER TABLE bundles ADD COLUMN came_by TEXT NOT NULL DEFAULT 'start'
    CONSTRAINT ck_bundles_came_by CHECK (came_by IN ('start', 'upload', 'proposal', 'retirement', 'watch'));
UPDATE bundles SET came_by = origin;
ALTER TABLE bundles DROP COLUMN origin;
ALTER TABLE bundles RENAME COLUMN came_by TO origin;
