//! `ordain apikey`

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use jiff::SignedDuration;
use ordain_runtime::{
    Administration, ApiKey, ApiKeyRecord, ApiKeyService, Clock as _, NewApiKey, Principal, PrincipalKind,
    TenantId,
};
use serde_json::{Value, json};

use crate::Verdict;
use crate::args::{ApikeyArgs, ApikeyCommand, ApikeyCreateArgs, TextOrJson};
use crate::clock::SystemClock;
use crate::commands::print;
use crate::config::{Problems, environment, resolve};
use crate::failure::Failure;
use crate::random::SystemRandom;

/// Makes, lists, rotates and revokes keys.
pub(crate) fn run(args: &ApikeyArgs) -> Result<Verdict, Failure> {
    let config = resolve(&args.flags(), &environment())?.map_err(Problems::into_failure)?.config;
    let (tenant, database) = (config.tenant.clone(), config.database()?);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::other)?;
    runtime.block_on(async {
        let administration = Administration::open(&database, Arc::new(SystemClock), Arc::new(SystemRandom));
        let administration = administration.await.map_err(Failure::other)?;
        let answer = answer(&administration.api_keys(), &tenant, args).await;
        administration.close().await;
        print(&answer?)
    })?;
    Ok(Verdict::Clean)
}

async fn answer(keys: &ApiKeyService, tenant: &TenantId, args: &ApikeyArgs) -> Result<String, Failure> {
    let nobody = |id: &str| Failure::Other(format!("the tenant `{tenant}` has no key `{id}` that counts"));
    match &args.command {
        ApikeyCommand::Create(create) => {
            let (key, record) = keys.create(tenant, wanted(create)?).await.map_err(Failure::other)?;
            Ok(shown_once(&key, &record, args.format))
        }
        ApikeyCommand::Rotate { id, grace } => {
            let grace = grace.0.ok_or_else(|| {
                Failure::Other("`--grace never` would leave two keys; make a second one instead".to_owned())
            })?;
            let rotated = keys.rotate(tenant, uuid(id)?, grace).await.map_err(Failure::other)?;
            let (key, record) = rotated.ok_or_else(|| nobody(id))?;
            Ok(shown_once(&key, &record, args.format))
        }
        ApikeyCommand::Revoke { id } => {
            let revoked = keys.revoke(tenant, uuid(id)?).await.map_err(Failure::other)?;
            let record = revoked.ok_or_else(|| nobody(id))?;
            Ok(match args.format {
                TextOrJson::Json => pretty(&view(&record)),
                TextOrJson::Text => format!("revoked the key of {}\n", whose(&record)),
            })
        }
        ApikeyCommand::List => {
            let records = keys.list(tenant).await.map_err(Failure::other)?;
            Ok(match args.format {
                TextOrJson::Json => pretty(&Value::Array(records.iter().map(view).collect())),
                TextOrJson::Text => table(&records),
            })
        }
    }
}

fn wanted(args: &ApikeyCreateArgs) -> Result<NewApiKey, Failure> {
    let (kind, name) = match (&args.human, &args.service) {
        (Some(name), _) => (PrincipalKind::Human, name),
        (None, Some(name)) => (PrincipalKind::Service, name),
        (None, None) => return Err(Failure::Other("name whose key it is: --human or --service".to_owned())),
    };
    let roles: BTreeSet<_> = args.roles.iter().copied().collect();
    let lifetime: Option<SignedDuration> = args.expires.0;
    Ok(NewApiKey { principal: Principal::new(kind, name).map_err(Failure::other)?, roles, lifetime })
}

fn uuid(text: &str) -> Result<uuid::Uuid, Failure> {
    text.parse()
        .map_err(|_| Failure::Other(format!("`{text}` is no key's id; `ordain apikey list` shows them")))
}

fn whose(record: &ApiKeyRecord) -> String {
    format!("{} `{}` ({})", record.principal.kind, record.principal.name, record.id)
}

/// The key alone on the first line, so that programs take it from there.
fn shown_once(key: &ApiKey, record: &ApiKeyRecord, format: TextOrJson) -> String {
    match format {
        TextOrJson::Json => {
            let mut view = view(record);
            view["key"] = key.reveal().into();
            pretty(&view)
        }
        TextOrJson::Text => {
            let end = record.expires_at.map_or_else(|| "never ends".to_owned(), |end| format!("ends {end}"));
            format!(
                "{}\n\nThis is the only time that it is shown. It is the key of {}, for {}, and {end}.\n",
                key.reveal(),
                whose(record),
                record.roles_text().replace(',', ", ")
            )
        }
    }
}

fn state(record: &ApiKeyRecord) -> &'static str {
    if record.revoked_at.is_some() {
        "revoked"
    } else if record.is_valid(SystemClock.now()) {
        "counts"
    } else {
        "expired"
    }
}

fn view(record: &ApiKeyRecord) -> Value {
    json!({
        "id": record.id, "prefix": record.prefix, "state": state(record),
        "principal": { "kind": record.principal.kind, "name": record.principal.name },
        "roles": record.roles, "created_at": record.created_at, "expires_at": record.expires_at,
        "revoked_at": record.revoked_at, "last_used_at": record.last_used_at, "replaces": record.replaces
    })
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn table(records: &[ApiKeyRecord]) -> String {
    if records.is_empty() {
        return "no keys; `ordain apikey create` makes one\n".to_owned();
    }
    let mut out = String::new();
    for record in records {
        let at = |at: Option<jiff::Timestamp>| at.map_or_else(|| "never".to_owned(), |at| at.to_string());
        let (principal, roles) = (&record.principal, record.roles_text());
        let _ = writeln!(
            out,
            "{}  {}  {} `{}`: {roles}; ends {}, last used {}",
            record.id,
            state(record),
            principal.kind,
            principal.name,
            at(record.expires_at),
            at(record.last_used_at),
        );
    }
    out
}
