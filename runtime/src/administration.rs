//! What is done to a database without a server: making and revoking keys.

use std::sync::Arc;

use ordain_store::{Clock, Random};

use crate::ApiKeyService;
use crate::database::{Database, DatabaseError};

/// An open database, for somebody who may do everything.
pub struct Administration {
    database: Database,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Administration {
    /// Opens the database of this URL, creating what is missing.
    pub async fn open(
        url: &str,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, DatabaseError> {
        let database = Database::open(url).await?;
        if let Err(error) = database.keeps_tenants_apart().await {
            database.close().await;
            return Err(error);
        }
        Ok(Self { database, clock, random })
    }

    /// Its API keys.
    pub fn api_keys(&self) -> ApiKeyService {
        ApiKeyService::new(self.database.store(), Arc::clone(&self.clock), Arc::clone(&self.random))
    }

    /// Closes it.
    pub async fn close(self) {
        self.database.close().await;
    }
}
