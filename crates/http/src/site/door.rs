//! Through what hosts are asked, and how far that may lead.

use url::Url;

use crate::client::{Ask, Client, Limits};

/// A client, and whether it may be led into private networks.
#[derive(Clone, Debug)]
pub(super) struct Door {
    pub(super) client: Client,
    pub(super) private: bool,
}

impl Door {
    /// A question that a location leads to.
    pub(super) fn ask<'u>(&self, url: &'u Url, limits: Limits) -> Ask<'u> {
        Ask {
            private: self.private,
            ..Ask::new(url, limits)
        }
    }
}
