-- Violations are counted by the day too, so that nobody adds up 720 hours of every class for a panel. As with
-- evaluations: `span` is the length in seconds of what begins at `start`.

CREATE TABLE violation_spans (
    tenant_id      TEXT    NOT NULL,
    span           INTEGER NOT NULL CONSTRAINT ck_violation_counts_span CHECK (span IN (3600, 86400)),
    start          INTEGER NOT NULL,
    violation_type TEXT    NOT NULL,
    violation_kind TEXT    NOT NULL,
    source         TEXT    NOT NULL,
    is_synthetic   INTEGER NOT NULL,
    violations     INTEGER NOT NULL CONSTRAINT ck_violation_counts_violations CHECK (violations > 0),
    PRIMARY KEY (tenant_id, span, start, violation_type, violation_kind, source, is_synthetic)
) STRICT, WITHOUT ROWID;

INSERT INTO violation_spans
SELECT tenant_id, 3600, hour, violation_type, violation_kind, source, is_synthetic, violations FROM violation_counts;

-- A day has 86,400,000,000 microseconds. Instants before 1970 are none that a violation may have.
INSERT INTO violation_spans
SELECT tenant_id, 86400, hour / 86400000000 * 86400000000, violation_type, violation_kind, source, is_synthetic,
       sum(violations)
FROM violation_counts GROUP BY 1, 3, 4, 5, 6, 7;

DROP TABLE violation_counts;
ALTER TABLE violation_spans RENAME TO violation_counts;
