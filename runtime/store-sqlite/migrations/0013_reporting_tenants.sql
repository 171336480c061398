-- Reports name their tenants too, as everything does by which a tenant comes to have something.

CREATE TRIGGER tr_incidents_tenant BEFORE INSERT ON incidents BEGIN
    INSERT INTO tenants SELECT new.tenant_id WHERE new.tenant_id NOT IN (SELECT tenant_id FROM tenants);
END;
CREATE TRIGGER tr_runs_tenant BEFORE INSERT ON runs BEGIN
    INSERT INTO tenants SELECT new.tenant_id WHERE new.tenant_id NOT IN (SELECT tenant_id FROM tenants);
END;

INSERT INTO tenants
SELECT tenant_id FROM (SELECT tenant_id FROM incidents UNION SELECT tenant_id FROM runs)
WHERE tenant_id NOT IN (SELECT tenant_id FROM tenants);
