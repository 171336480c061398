-- Lessons whole, and the events that they are learned from. Nothing has ever written to the table that stood in their
-- place.

DROP TABLE lessons_learned;

CREATE TABLE incidents (
    tenant_id     TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    severity      TEXT    NOT NULL
        CONSTRAINT ck_incidents_severity CHECK (severity IN ('CRITICAL', 'HIGH', 'MEDIUM', 'LOW')),
    title         TEXT    NOT NULL,
    error_code    TEXT,
    error_message TEXT,
    run_id        TEXT,
    path          TEXT,
    policy_name   TEXT,
    details       TEXT    CONSTRAINT ck_incidents_details CHECK (details IS NULL OR json_valid(details)),
    is_synthetic  INTEGER NOT NULL CONSTRAINT ck_incidents_is_synthetic CHECK (is_synthetic IN (0, 1)),
    synthetic_scenario_id TEXT,
    occurred_at   INTEGER NOT NULL,
    recorded_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id)
) STRICT;

CREATE TABLE runs (
    tenant_id     TEXT    NOT NULL,
    -- Of the report; `run_id` is what the client calls the run.
    id            TEXT    NOT NULL,
    run_id        TEXT    NOT NULL,
    path          TEXT,
    status        TEXT    NOT NULL CONSTRAINT ck_runs_status CHECK (status IN ('succeeded', 'failed')),
    severity      TEXT
        CONSTRAINT ck_runs_severity
        CHECK (severity IS NULL OR severity IN ('CRITICAL', 'HIGH', 'MEDIUM', 'LOW')),
    error_code    TEXT,
    error_message TEXT,
    started_at    INTEGER,
    ended_at      INTEGER NOT NULL,
    duration_ms   INTEGER CONSTRAINT ck_runs_duration_ms CHECK (duration_ms IS NULL OR duration_ms >= 0),
    -- An array of `metric`, `used` and `limit`; amounts in millionths.
    usage         TEXT    NOT NULL CONSTRAINT ck_runs_usage CHECK (json_valid(usage)),
    is_synthetic  INTEGER NOT NULL CONSTRAINT ck_runs_is_synthetic CHECK (is_synthetic IN (0, 1)),
    synthetic_scenario_id TEXT,
    recorded_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id)
) STRICT;

CREATE TABLE lessons_learned (
    tenant_id         TEXT    NOT NULL,
    id                TEXT    NOT NULL,
    lesson_type       TEXT    NOT NULL
        CONSTRAINT ck_lessons_learned_lesson_type
        CHECK (lesson_type IN ('failure', 'near_threshold', 'critical_success')),
    severity          TEXT
        CONSTRAINT ck_lessons_learned_severity
        CHECK (severity IS NULL OR severity IN ('CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'NONE')),
    source_event_id   TEXT    NOT NULL,
    source_event_type TEXT    NOT NULL,
    source_run_id     TEXT,
    title             TEXT    NOT NULL CONSTRAINT ck_lessons_learned_title CHECK (length(title) <= 500),
    description       TEXT    NOT NULL,
    proposed_action   TEXT,
    detected_pattern  TEXT
        CONSTRAINT ck_lessons_learned_detected_pattern
        CHECK (detected_pattern IS NULL OR json_valid(detected_pattern)),
    status            TEXT    NOT NULL DEFAULT 'pending'
        CONSTRAINT ck_lessons_learned_status
        CHECK (status IN ('pending', 'converted_to_draft', 'deferred', 'dismissed')),
    draft_proposal_id TEXT,
    created_at        INTEGER NOT NULL,
    converted_at      INTEGER,
    deferred_until    INTEGER,
    dismissed_at      INTEGER,
    dismissed_by      TEXT,
    dismissed_reason  TEXT,
    is_synthetic      INTEGER NOT NULL DEFAULT 0
        CONSTRAINT ck_lessons_learned_is_synthetic CHECK (is_synthetic IN (0, 1)),
    synthetic_scenario_id TEXT,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_lessons_learned_tenant_event_type UNIQUE (tenant_id, source_event_id, lesson_type),
    CONSTRAINT fk_lessons_learned_draft_proposal
        FOREIGN KEY (tenant_id, draft_proposal_id) REFERENCES policy_proposals (tenant_id, id),
    CONSTRAINT ck_lessons_learned_standing CHECK (
        (status = 'converted_to_draft') = (draft_proposal_id IS NOT NULL)
        AND (status = 'converted_to_draft') = (converted_at IS NOT NULL)
        AND (status = 'deferred') = (deferred_until IS NOT NULL)
        AND (status = 'dismissed') = (dismissed_at IS NOT NULL)
        AND (status = 'dismissed') = (dismissed_by IS NOT NULL)
        AND (status = 'dismissed') = (dismissed_reason IS NOT NULL)
    )
) STRICT;

-- One for each way in which lists ask, in the order of the list.
CREATE INDEX ix_lessons_learned_created_at ON lessons_learned (tenant_id, created_at DESC, id DESC);
CREATE INDEX ix_lessons_learned_tenant_status ON lessons_learned (tenant_id, status, created_at DESC, id DESC);
CREATE INDEX ix_lessons_learned_lesson_type ON lessons_learned (tenant_id, lesson_type, created_at DESC, id DESC);
CREATE INDEX ix_lessons_learned_source_event ON lessons_learned (tenant_id, source_event_id, source_event_type);
CREATE INDEX ix_lessons_learned_draft_proposal_id ON lessons_learned (tenant_id, draft_proposal_id)
    WHERE draft_proposal_id IS NOT NULL;
CREATE INDEX ix_lessons_learned_deferred_until ON lessons_learned (tenant_id, deferred_until)
    WHERE status = 'deferred';

-- How many there are, so that nobody counts them for a list or a panel. Written with the rows themselves.
CREATE TABLE lesson_counts (
    tenant_id    TEXT    NOT NULL,
    lesson_type  TEXT    NOT NULL,
    status       TEXT    NOT NULL,
    severity     TEXT    NOT NULL,
    is_synthetic INTEGER NOT NULL,
    lessons      INTEGER NOT NULL CONSTRAINT ck_lesson_counts_lessons CHECK (lessons >= 0),
    PRIMARY KEY (tenant_id, lesson_type, status, severity, is_synthetic)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER lessons_learned_are_counted AFTER INSERT ON lessons_learned
BEGIN
    INSERT INTO lesson_counts (tenant_id, lesson_type, status, severity, is_synthetic, lessons)
    VALUES (NEW.tenant_id, NEW.lesson_type, NEW.status, coalesce(NEW.severity, 'NONE'), NEW.is_synthetic, 1)
    ON CONFLICT (tenant_id, lesson_type, status, severity, is_synthetic) DO UPDATE SET lessons = lessons + 1;
END;

CREATE TRIGGER lessons_learned_are_counted_anew AFTER UPDATE OF status ON lessons_learned
BEGIN
    UPDATE lesson_counts SET lessons = lessons - 1
    WHERE tenant_id = OLD.tenant_id AND lesson_type = OLD.lesson_type AND status = OLD.status
      AND severity = coalesce(OLD.severity, 'NONE') AND is_synthetic = OLD.is_synthetic;
    INSERT INTO lesson_counts (tenant_id, lesson_type, status, severity, is_synthetic, lessons)
    VALUES (NEW.tenant_id, NEW.lesson_type, NEW.status, coalesce(NEW.severity, 'NONE'), NEW.is_synthetic, 1)
    ON CONFLICT (tenant_id, lesson_type, status, severity, is_synthetic) DO UPDATE SET lessons = lessons + 1;
END;

-- When something was last learned, so that it isn't learned again within a day.
CREATE TABLE lesson_debounces (
    tenant_id    TEXT    NOT NULL,
    lesson_type  TEXT    NOT NULL,
    metric       TEXT    NOT NULL,
    band         TEXT    NOT NULL,
    is_synthetic INTEGER NOT NULL,
    learned_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, lesson_type, metric, band, is_synthetic)
) STRICT, WITHOUT ROWID;
