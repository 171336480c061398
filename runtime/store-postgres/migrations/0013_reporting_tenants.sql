-- Reports name their tenants too, as everything does by which a tenant comes to have something.

CREATE TRIGGER tr_incidents_tenant BEFORE INSERT ON incidents EXECUTE FUNCTION note_tenant();
CREATE TRIGGER tr_runs_tenant BEFORE INSERT ON runs EXECUTE FUNCTION note_tenant();

-- Nobody's tenant is set here, so for a moment the owner sees the rows of all.
DO $$
DECLARE
    name TEXT;
BEGIN
    ALTER TABLE tenants NO FORCE ROW LEVEL SECURITY;
    FOREACH name IN ARRAY ARRAY['incidents', 'runs'] LOOP
        EXECUTE format('ALTER TABLE %I NO FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('INSERT INTO tenants SELECT DISTINCT tenant_id FROM %I ON CONFLICT DO NOTHING', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    END LOOP;
    ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
END
$$;
