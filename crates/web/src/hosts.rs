//! By which names this server may be called.
//!
//! A web page of a stranger can make the browser ask any address under the page's own
//! name. Such a request carries that name as its host, so it is refused.

use std::net::SocketAddr;

use axum::http::{header::HOST, request::Parts};

/// The names, each with its port.
#[derive(Debug, Clone)]
pub struct Hosts(Vec<String>);

impl Hosts {
    /// This machine's names for itself, at the port of `address`.
    #[must_use]
    pub fn loopback(address: SocketAddr) -> Self {
        let port = address.port();
        let names = ["127.0.0.1", "localhost", "[::1]"];
        Self(names.iter().map(|name| format!("{name}:{port}")).collect())
    }

    /// Whether a request calls this server by one of its names, and only by such.
    pub(crate) fn allow(&self, request: &Parts) -> bool {
        let known = |name: &str| self.0.iter().any(|host| host.eq_ignore_ascii_case(name));
        let mut hosts = request.headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return false;
        };
        let authority = request.uri.authority();
        host.to_str().is_ok_and(known) && authority.is_none_or(|name| known(name.as_str()))
    }
}
