-- What conflicts are ordered by, so that a place in their list stays one when an analysis finds others: BLOCKING first, then by
-- type, then by the names of the policies, each after a character that is less than any in a name.

ALTER TABLE policy_conflicts ADD COLUMN rank TEXT COLLATE "C" NOT NULL DEFAULT '';

-- Nobody's tenant is set here, so for a moment the owner sees the rows of all.
ALTER TABLE policy_conflicts NO FORCE ROW LEVEL SECURITY;
UPDATE policy_conflicts SET rank =
    CASE severity WHEN 'BLOCKING' THEN '0' ELSE '1' END
    || CASE conflict_type
         WHEN 'SCOPE_OVERLAP' THEN '0' WHEN 'THRESHOLD_CONTRADICTION' THEN '1' WHEN 'TEMPORAL_CONFLICT' THEN '2'
         ELSE '3' END
    || (SELECT string_agg(chr(1) || (policy ->> 'name'), '' ORDER BY number)
        FROM json_array_elements(definition -> 'policies') WITH ORDINALITY AS policies (policy, number));
ALTER TABLE policy_conflicts FORCE ROW LEVEL SECURITY;

ALTER TABLE policy_conflicts DROP COLUMN position;

CREATE INDEX ix_policy_conflicts_rank ON policy_conflicts (tenant_id, rank, id COLLATE "C");
