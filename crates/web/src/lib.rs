//! The own feed, and the timeline, served to this machine.
//!
//! What the tree holds is rendered from the store when somebody asks for it, so a new
//! post is there at once; media come out of the store piece by piece. Beside the tree lie
//! the record and the blocks, as in an exported site (`spec/07-static-site.md`).
//!
//! Nothing can be changed through this room: only GET and HEAD are answered, and only for
//! requests that name this machine's own address as their host, so that no web page can
//! reach it under a name of its own (DNS rebinding). Sockets are handed in; nothing here
//! opens one, and nothing asks the clock.

mod error;
mod find;
mod hosts;
mod kinds;
mod reply;
mod seats;
mod server;
mod stream;
mod timeline;

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    extract::{Request, State},
    response::Response,
};
use ourspace_node::{Home, HomeError};
use ourspace_protocol::account::Account;

pub use hosts::Hosts;
pub use server::serve;

use find::Live;

/// The feed of one home.
#[derive(Debug)]
pub struct Site {
    home: Arc<Home>,
    account: Account,
    live: Mutex<Option<Live>>,
}

impl Site {
    /// The feed of `home`, which may be open for reading only.
    ///
    /// # Errors
    /// [`HomeError::NoAccount`].
    pub fn new(home: Arc<Home>) -> Result<Self, HomeError> {
        let account = home.account()?;
        Ok(Self {
            home,
            account,
            live: Mutex::new(None),
        })
    }

    /// The home.
    #[must_use]
    pub fn home(&self) -> &Arc<Home> {
        &self.home
    }

    /// Whose feed it is.
    #[must_use]
    pub fn account(&self) -> Account {
        self.account
    }
}

/// What answers requests: for `site`, to those who call it by one of `hosts`.
pub fn router(site: Arc<Site>, hosts: Hosts) -> Router {
    Router::new()
        .fallback(answer)
        .with_state((site, Arc::new(hosts)))
}

async fn answer(
    State((site, hosts)): State<(Arc<Site>, Arc<Hosts>)>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    if !hosts.allow(&parts) {
        return reply::misdirected();
    }
    if !matches!(parts.method.as_str(), "GET" | "HEAD") {
        return reply::method_not_allowed();
    }
    let path = parts.uri.path().trim_start_matches('/').to_owned();
    // Rendering and reading block.
    let found = tokio::task::spawn_blocking(move || site.find(&path)).await;
    match found {
        Ok(Ok(found)) => reply::found(&parts, found),
        Ok(Err(error)) => {
            tracing::error!(%error, path = parts.uri.path(), "cannot be served");
            reply::failed()
        }
        Err(error) => {
            tracing::error!(%error, path = parts.uri.path(), "cannot be served");
            reply::failed()
        }
    }
}
