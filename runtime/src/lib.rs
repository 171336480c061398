//! Services and the panel API over HTTP
