//! Places that are watched for new bundles.

use ordain_store::{Activation, Sighting, StoreError, Taken};
use sqlx::{SqliteConnection, query};

use crate::row::{failed, instant};

const TABLE: &str = "watched_places";

/// What was last taken from a place.
pub(crate) async fn last_taken(
    connection: &mut SqliteConnection,
    tenant: &str,
    place: &str,
) -> Result<Option<Taken>, StoreError> {
    let row = query!(
        "SELECT object, modified_at, digest, taken_at FROM watched_places WHERE tenant_id = $1 AND place = $2",
        tenant,
        place
    );
    let Some(row) = row.fetch_optional(connection).await.map_err(failed)? else { return Ok(None) };
    let at = |column, value| instant(TABLE, column, place, value);
    Ok(Some(Taken {
        modified_at: at("modified_at", row.modified_at)?,
        taken_at: at("taken_at", row.taken_at)?,
        object: row.object,
        digest: row.digest,
    }))
}

/// Keeps what was taken, in the place of what was before.
pub(crate) async fn take(
    connection: &mut SqliteConnection,
    tenant: &str,
    sighting: &Sighting<'_>,
    new: &Activation<'_>,
) -> Result<(), StoreError> {
    let (modified_at, taken_at) = (sighting.modified_at.as_microsecond(), new.at.as_microsecond());
    query!(
        "INSERT INTO watched_places (tenant_id, place, object, modified_at, digest, taken_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (tenant_id, place) DO UPDATE SET
           object = excluded.object, modified_at = excluded.modified_at, digest = excluded.digest,
           taken_at = excluded.taken_at",
        tenant,
        sighting.place,
        sighting.object,
        modified_at,
        new.digest,
        taken_at
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}
