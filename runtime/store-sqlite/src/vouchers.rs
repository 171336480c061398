//! Who vouches for bundles.

use ordain_ir::signature::Signature;
use ordain_store::{Activation, StoreError, Voucher, Vouchers};
use sqlx::{SqliteConnection, query, query_scalar};

use crate::row::failed;

const TABLE: &str = "bundle_signatures";

/// Keys that a query has put into one text.
pub(crate) fn signers(text: &str) -> Vec<String> {
    text.split_ascii_whitespace().map(ToOwned::to_owned).collect()
}

/// Keeps who vouches for a bundle that is there.
pub(crate) async fn vouch(
    connection: &mut SqliteConnection,
    tenant: &str,
    new: &Activation<'_>,
) -> Result<(), sqlx::Error> {
    match new.voucher {
        Voucher::Nobody => {}
        Voucher::Signer(signature) => {
            let (signer, signature) = (signature.key.to_string(), signature.to_text());
            query!(
                "INSERT INTO bundle_signatures (tenant_id, digest, signer, signature) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (tenant_id, digest, signer) DO UPDATE SET signature = excluded.signature",
                tenant,
                new.digest,
                signer,
                signature
            )
            .execute(&mut *connection)
            .await?;
        }
        Voucher::People { on } => {
            query!(
                "UPDATE bundles SET decided_here = 1, rests_on = $3 WHERE tenant_id = $1 AND digest = $2",
                tenant,
                new.digest,
                on
            )
            .execute(&mut *connection)
            .await?;
        }
    }
    Ok(())
}

/// Who vouches for a bundle.
pub(crate) async fn vouchers(
    connection: &mut SqliteConnection,
    tenant: &str,
    digest: &str,
) -> Result<Vouchers, StoreError> {
    let texts = query_scalar!(
        "SELECT signature FROM bundle_signatures WHERE tenant_id = $1 AND digest = $2 ORDER BY signer",
        tenant,
        digest
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed)?;
    let read = |text: &String| {
        Signature::from_bytes(text.as_bytes())
            .map_err(|error| StoreError::inconsistent(TABLE, "signature", &digest, &error))
    };
    let signatures = texts.iter().map(read).collect::<Result<_, _>>()?;
    let decided = query_scalar!(
        "SELECT rests_on FROM bundles WHERE tenant_id = $1 AND digest = $2 AND decided_here = 1",
        tenant,
        digest
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed)?;
    Ok(Vouchers { signatures, decided })
}
