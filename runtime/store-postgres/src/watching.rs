//! Places that are watched for new bundles.

use jiff_sqlx::{Timestamp, ToSqlx};
use ordain_store::{Activation, Sighting, StoreError, Taken, to_microsecond};
use sqlx::{PgConnection, query};

use crate::row::failed;

/// What was last taken from a place.
pub(crate) async fn last_taken(
    connection: &mut PgConnection,
    tenant: &str,
    place: &str,
) -> Result<Option<Taken>, StoreError> {
    let row = query!(
        r#"SELECT object, modified_at AS "modified_at: Timestamp", digest, taken_at AS "taken_at: Timestamp"
           FROM watched_places WHERE tenant_id = $1 AND place = $2"#,
        tenant,
        place
    );
    let row = row.fetch_optional(connection).await.map_err(failed)?;
    Ok(row.map(|row| Taken {
        object: row.object,
        modified_at: row.modified_at.to_jiff(),
        digest: row.digest,
        taken_at: row.taken_at.to_jiff(),
    }))
}

/// Keeps what was taken, in the place of what was before.
pub(crate) async fn take(
    connection: &mut PgConnection,
    tenant: &str,
    sighting: &Sighting<'_>,
    new: &Activation<'_>,
) -> Result<(), StoreError> {
    query!(
        "INSERT INTO watched_places (tenant_id, place, object, modified_at, digest, taken_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (tenant_id, place) DO UPDATE SET
           object = excluded.object, modified_at = excluded.modified_at, digest = excluded.digest,
           taken_at = excluded.taken_at",
        tenant,
        sighting.place,
        sighting.object,
        to_microsecond(sighting.modified_at).to_sqlx() as Timestamp,
        new.digest,
        to_microsecond(new.at).to_sqlx() as Timestamp
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}
