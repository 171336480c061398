-- What is used of limits. A counter is the sum of its entries in the ledger, always: both are written in the
-- transaction that decides.

CREATE TABLE limit_counters (
    tenant_id    TEXT    NOT NULL,
    limit_name   TEXT    NOT NULL,
    -- What is counted, and how it adds up. Bytewise, as programs compare.
    quantity     TEXT COLLATE "C" NOT NULL,
    subject      TEXT COLLATE "C" NOT NULL,
    -- Where a calendar period begins, or a part of a rolling one; the month of what is concurrent.
    period_start TIMESTAMPTZ NOT NULL,
    used         BIGINT  NOT NULL CONSTRAINT ck_limit_counters_used CHECK (used >= 0),
    held         BIGINT  NOT NULL CONSTRAINT ck_limit_counters_held CHECK (held >= 0),
    -- The nearest band that was told.
    told         SMALLINT NOT NULL,
    -- How many entries the ledger has of it.
    entries      BIGINT  NOT NULL,
    PRIMARY KEY (tenant_id, limit_name, quantity, subject, period_start)
) WITH (fillfactor = 50);

CREATE INDEX ix_limit_counters_period_start ON limit_counters (tenant_id, period_start);

-- In the order in which it came about.
CREATE TABLE limit_ledger (
    seq          BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id    TEXT    NOT NULL,
    limit_name   TEXT    NOT NULL,
    quantity     TEXT COLLATE "C" NOT NULL,
    subject      TEXT COLLATE "C" NOT NULL,
    period_start TIMESTAMPTZ NOT NULL,
    -- Its place among the entries of its counter.
    number       BIGINT  NOT NULL,
    decision_id  UUID    NOT NULL,
    kind         TEXT    NOT NULL
        CONSTRAINT ck_limit_ledger_kind CHECK (kind IN ('USE', 'HOLD', 'SETTLE', 'RELEASE', 'EXPIRE')),
    used         BIGINT  NOT NULL,
    held         BIGINT  NOT NULL,
    at           TIMESTAMPTZ NOT NULL
);

-- Few periods are under way at once, so this one grows in few places.
CREATE INDEX ix_limit_ledger_period_start ON limit_ledger (tenant_id, period_start);

CREATE TABLE limit_last_runs (
    tenant_id    TEXT    NOT NULL,
    limit_name   TEXT    NOT NULL,
    subject      TEXT COLLATE "C" NOT NULL,
    last_run_at  TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, limit_name, subject)
);

CREATE TABLE decisions (
    tenant_id    TEXT    NOT NULL,
    id           UUID    NOT NULL,
    -- What the client calls its request, and a hash of it, so that it is decided once.
    request_id   TEXT,
    fingerprint  BYTEA   NOT NULL CONSTRAINT ck_decisions_fingerprint CHECK (length(fingerprint) = 32),
    outcome      TEXT    NOT NULL
        CONSTRAINT ck_decisions_outcome CHECK (outcome IN ('ALLOW', 'AUDIT', 'WARN', 'DEGRADE', 'QUEUE', 'BLOCK')),
    standing     TEXT    NOT NULL
        CONSTRAINT ck_decisions_standing
        CHECK (standing IN ('REFUSED', 'COUNTED', 'HELD', 'SETTLED', 'RELEASED', 'EXPIRED')),
    decided_at   TIMESTAMPTZ NOT NULL,
    hold_until   TIMESTAMPTZ,
    -- What it added to which counters: JSON, of which only the store reads anything.
    shares       TEXT    NOT NULL,
    answer       TEXT,
    PRIMARY KEY (tenant_id, id)
);

CREATE UNIQUE INDEX uq_decisions_request_id ON decisions (tenant_id, request_id) WHERE request_id IS NOT NULL;
CREATE INDEX ix_decisions_hold_until ON decisions (tenant_id, hold_until) WHERE standing = 'HELD';
CREATE INDEX ix_decisions_decided_at ON decisions (tenant_id, decided_at);

-- How far forgetting has come.
CREATE TABLE forgetting (
    tenant_id       TEXT        PRIMARY KEY,
    -- The latest instant that was taken for the present.
    present         TIMESTAMPTZ NOT NULL,
    -- Counters before it that hold nothing are forgotten, gone or not.
    counters_before TIMESTAMPTZ NOT NULL
);

DO $$
DECLARE
    name TEXT;
BEGIN
    FOREACH name IN ARRAY ARRAY['limit_counters', 'limit_ledger', 'limit_last_runs', 'decisions', 'forgetting'] LOOP
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
