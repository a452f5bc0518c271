//! Small typed settings by name.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    error::StoreError,
    reader::Reader,
    values::{get, put},
    writer::Writer,
};

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
