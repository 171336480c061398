-- What is used of limits. A counter is the sum of its entries in the ledger, always: both are written in the
-- transaction that decides.

CREATE TABLE limit_counters (
    tenant_id    TEXT    NOT NULL,
    limit_name   TEXT    NOT NULL,
    -- What is counted, and how it adds up.
    quantity     TEXT    NOT NULL,
    subject      TEXT    NOT NULL,
    -- Where a calendar period begins, or a part of a rolling one; the month of what is concurrent.
    period_start INTEGER NOT NULL,
    used         INTEGER NOT NULL CONSTRAINT ck_limit_counters_used CHECK (used >= 0),
    held         INTEGER NOT NULL CONSTRAINT ck_limit_counters_held CHECK (held >= 0),
    -- The nearest band that was told.
    told         INTEGER NOT NULL,
    -- How many entries the ledger has of it.
    entries      INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, limit_name, quantity, subject, period_start)
) STRICT, WITHOUT ROWID;

CREATE INDEX ix_limit_counters_period_start ON limit_counters (tenant_id, period_start);

-- In the order in which it came about, so that a transaction writes to few pages, however many counters it changes.
CREATE TABLE limit_ledger (
    seq          INTEGER PRIMARY KEY,
    tenant_id    TEXT    NOT NULL,
    limit_name   TEXT    NOT NULL,
    quantity     TEXT    NOT NULL,
    subject      TEXT    NOT NULL,
    period_start INTEGER NOT NULL,
    -- Its place among the entries of its counter.
    number       INTEGER NOT NULL,
    decision_id  TEXT    NOT NULL,
    kind         TEXT    NOT NULL
        CONSTRAINT ck_limit_ledger_kind CHECK (kind IN ('USE', 'HOLD', 'SETTLE', 'RELEASE', 'EXPIRE')),
    used         INTEGER NOT NULL,
    held         INTEGER NOT NULL,
    at           INTEGER NOT NULL
) STRICT;

-- Few periods are under way at once, so this one grows in few places too.
CREATE INDEX ix_limit_ledger_period_start ON limit_ledger (tenant_id, period_start);

CREATE TABLE limit_last_runs (
    tenant_id    TEXT    NOT NULL,
    limit_name   TEXT    NOT NULL,
    subject      TEXT    NOT NULL,
    last_run_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, limit_name, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE decisions (
    tenant_id    TEXT    NOT NULL,
    id           TEXT    NOT NULL,
    -- What the client calls its request, and a hash of it, so that it is decided once.
    request_id   TEXT,
    fingerprint  TEXT    NOT NULL,
    outcome      TEXT    NOT NULL
        CONSTRAINT ck_decisions_outcome CHECK (outcome IN ('ALLOW', 'AUDIT', 'WARN', 'DEGRADE', 'QUEUE', 'BLOCK')),
    standing     TEXT    NOT NULL
        CONSTRAINT ck_decisions_standing
        CHECK (standing IN ('REFUSED', 'COUNTED', 'HELD', 'SETTLED', 'RELEASED', 'EXPIRED')),
    decided_at   INTEGER NOT NULL,
    hold_until   INTEGER,
    -- What it added to which counters.
    shares       TEXT    NOT NULL CONSTRAINT ck_decisions_shares CHECK (json_valid(shares)),
    answer       TEXT,
    PRIMARY KEY (tenant_id, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX uq_decisions_request_id ON decisions (tenant_id, request_id) WHERE request_id IS NOT NULL;
CREATE INDEX ix_decisions_hold_until ON decisions (tenant_id, hold_until) WHERE standing = 'HELD';
CREATE INDEX ix_decisions_decided_at ON decisions (tenant_id, decided_at);

-- How far forgetting has come.
CREATE TABLE forgetting (
    tenant_id       TEXT    PRIMARY KEY,
    -- The latest instant that was taken for the present.
    present         INTEGER NOT NULL,
    -- Counters before it that hold nothing are forgotten, gone or not.
    counters_before INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
