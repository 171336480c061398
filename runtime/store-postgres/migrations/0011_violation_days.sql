-- Violations are counted by the day too, so that nobody adds up 720 hours of every class for a panel. As with
-- evaluations: `span` is the length in seconds of what begins at `start`.

ALTER TABLE violation_counts RENAME COLUMN hour TO start;
ALTER TABLE violation_counts ADD COLUMN span INTEGER NOT NULL DEFAULT 3600
    CONSTRAINT ck_violation_counts_span CHECK (span IN (3600, 86400));
ALTER TABLE violation_counts ALTER COLUMN span DROP DEFAULT;
ALTER TABLE violation_counts DROP CONSTRAINT violation_counts_pkey;
ALTER TABLE violation_counts
    ADD PRIMARY KEY (tenant_id, span, start, violation_type, violation_kind, source, is_synthetic);

-- Nobody's tenant is set here, so for a moment the owner sees the rows of all.
ALTER TABLE violation_counts NO FORCE ROW LEVEL SECURITY;
INSERT INTO violation_counts
    (tenant_id, span, start, violation_type, violation_kind, source, is_synthetic, violations)
SELECT tenant_id, 86400, date_trunc('day', start, 'UTC'), violation_type, violation_kind, source, is_synthetic,
       sum(violations)
FROM violation_counts WHERE span = 3600 GROUP BY 1, 3, 4, 5, 6, 7;
ALTER TABLE violation_counts FORCE ROW LEVEL SECURITY;
