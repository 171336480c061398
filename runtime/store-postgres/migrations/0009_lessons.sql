-- Lessons whole, and the events that they are learned from. Nothing has ever written to the table that stood in their
-- place.

DROP TABLE lessons_learned;

CREATE TABLE incidents (
    tenant_id     TEXT    NOT NULL,
    id            UUID    NOT NULL,
    severity      TEXT    NOT NULL
        CONSTRAINT ck_incidents_severity CHECK (severity IN ('CRITICAL', 'HIGH', 'MEDIUM', 'LOW')),
    title         TEXT    NOT NULL,
    error_code    TEXT,
    error_message TEXT,
    run_id        TEXT,
    path          TEXT,
    policy_name   TEXT,
    details       JSON,
    is_synthetic  BOOLEAN NOT NULL,
    synthetic_scenario_id TEXT,
    occurred_at   TIMESTAMPTZ NOT NULL,
    recorded_at   TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE runs (
    tenant_id     TEXT    NOT NULL,
    -- Of the report; `run_id` is what the client calls the run.
    id            UUID    NOT NULL,
    run_id        TEXT    NOT NULL,
    path          TEXT,
    status        TEXT    NOT NULL CONSTRAINT ck_runs_status CHECK (status IN ('succeeded', 'failed')),
    severity      TEXT
        CONSTRAINT ck_runs_severity
        CHECK (severity IS NULL OR severity IN ('CRITICAL', 'HIGH', 'MEDIUM', 'LOW')),
    error_code    TEXT,
    error_message TEXT,
    started_at    TIMESTAMPTZ,
    ended_at      TIMESTAMPTZ NOT NULL,
    duration_ms   BIGINT CONSTRAINT ck_runs_duration_ms CHECK (duration_ms IS NULL OR duration_ms >= 0),
    -- An array of `metric`, `used` and `limit`; amounts in millionths.
    usage         JSON    NOT NULL,
    is_synthetic  BOOLEAN NOT NULL,
    synthetic_scenario_id TEXT,
    recorded_at   TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE lessons_learned (
    tenant_id         TEXT    NOT NULL,
    id                UUID    NOT NULL,
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
    detected_pattern  JSON,
    status            TEXT    NOT NULL DEFAULT 'pending'
        CONSTRAINT ck_lessons_learned_status
        CHECK (status IN ('pending', 'converted_to_draft', 'deferred', 'dismissed')),
    draft_proposal_id UUID,
    created_at        TIMESTAMPTZ NOT NULL,
    converted_at      TIMESTAMPTZ,
    deferred_until    TIMESTAMPTZ,
    dismissed_at      TIMESTAMPTZ,
    dismissed_by      TEXT,
    dismissed_reason  TEXT,
    is_synthetic      BOOLEAN NOT NULL DEFAULT false,
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
);

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
    is_synthetic BOOLEAN NOT NULL,
    lessons      BIGINT NOT NULL CONSTRAINT ck_lesson_counts_lessons CHECK (lessons >= 0),
    PRIMARY KEY (tenant_id, lesson_type, status, severity, is_synthetic)
);

CREATE FUNCTION lessons_learned_are_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        UPDATE lesson_counts SET lessons = lessons - 1
        WHERE tenant_id = OLD.tenant_id AND lesson_type = OLD.lesson_type AND status = OLD.status
          AND severity = coalesce(OLD.severity, 'NONE') AND is_synthetic = OLD.is_synthetic;
    END IF;
    INSERT INTO lesson_counts AS counted (tenant_id, lesson_type, status, severity, is_synthetic, lessons)
    VALUES (NEW.tenant_id, NEW.lesson_type, NEW.status, coalesce(NEW.severity, 'NONE'), NEW.is_synthetic, 1)
    ON CONFLICT (tenant_id, lesson_type, status, severity, is_synthetic)
    DO UPDATE SET lessons = counted.lessons + 1;
    RETURN NULL;
END
$$;

CREATE TRIGGER lessons_learned_are_counted AFTER INSERT OR UPDATE OF status ON lessons_learned
    FOR EACH ROW EXECUTE FUNCTION lessons_learned_are_counted();

-- When something was last learned, so that it isn't learned again within a day.
CREATE TABLE lesson_debounces (
    tenant_id    TEXT    NOT NULL,
    lesson_type  TEXT    NOT NULL,
    metric       TEXT    NOT NULL,
    band         TEXT    NOT NULL,
    is_synthetic BOOLEAN NOT NULL,
    learned_at   TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, lesson_type, metric, band, is_synthetic)
);

DO $$
DECLARE
    name TEXT;
BEGIN
    FOREACH name IN ARRAY ARRAY['incidents', 'runs', 'lessons_learned', 'lesson_counts', 'lesson_debounces'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY tenant_isolation ON %I
             USING (tenant_id = current_setting(''app.tenant_id'', true))
             WITH CHECK (tenant_id = current_setting(''app.tenant_id'', true))',
            name
        );
    END LOOP;
END
$$;
