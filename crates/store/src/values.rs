//! The table of settings: a value by its name, as JSON.

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Serialize, de::DeserializeOwned};

use crate::error::StoreError;

pub(crate) fn get<T: DeserializeOwned>(
    conn: &Connection,
    name: &str,
) -> Result<Option<T>, StoreError> {
    let mut find = conn.prepare_cached("SELECT value FROM setting WHERE name = ?")?;
    let value: Option<String> = find.query_row([name], |row| row.get(0)).optional()?;
    value
        .map(|value| serde_json::from_str(&value))
        .transpose()
        .map_err(|error| StoreError::damaged(format!("setting {name} ({error})")))
}

pub(crate) fn put<T: Serialize>(
    conn: &Connection,
    name: &str,
    value: &T,
) -> Result<(), StoreError> {
    let value = serde_json::to_string(value)
        .map_err(|error| StoreError::damaged(format!("setting {name} ({error})")))?;
    let mut put = conn.prepare_cached(
        "INSERT INTO setting (name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = ?2",
    )?;
    put.execute(params![name, value])?;
    Ok(())
}
