//! Small typed settings by name.

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Serialize, de::DeserializeOwned};

use crate::{error::StoreError, reader::Reader, writer::Writer};

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

impl Reader<'_> {
    /// A setting, if it was ever written. Names with a dot belong to the crate that is
    /// named before it.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the value is of another type.
    pub fn setting<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, StoreError> {
        get(self.conn()?, name)
    }
}

impl Writer<'_> {
    /// A setting, if it was ever written.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the value is of another type.
    pub fn setting<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, StoreError> {
        get(self.conn, name)
    }

    /// Writes a setting; never a secret.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn put_setting<T: Serialize>(&self, name: &str, value: &T) -> Result<(), StoreError> {
        put(self.conn, name, value)
    }

    /// Removes a setting.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn remove_setting(&self, name: &str) -> Result<(), StoreError> {
        self.conn
            .execute("DELETE FROM setting WHERE name = ?", [name])?;
        Ok(())
    }
}
