//! By which names this server may be called.
//!
//! A web page of a stranger can make the browser ask any address under the page's own
//! name. Such a request carries that name as its host, so it is refused.

use std::net::SocketAddr;

use axum::http::{header::HOST, request::Parts};

/// The port of `http` addresses that name none.
const HTTP: u16 = 80;

/// The names, each with its port.
#[derive(Debug, Clone)]
pub struct Hosts(Vec<String>);

impl Hosts {
    /// This machine's names for itself, at the port of `address`.
    #[must_use]
    pub fn loopback(address: SocketAddr) -> Self {
        let port = address.port();
        let names = ["127.0.0.1", "localhost", "[::1]"];
        let mut hosts: Vec<String> = names.iter().map(|name| format!("{name}:{port}")).collect();
        if port == HTTP {
            // The port that need not be said is not (RFC 9110, 4.2.1).
            hosts.extend(names.map(str::to_owned));
        }
        Self(hosts)
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

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn allowed(port: u16, host: &str) -> bool {
        let request = Request::builder().uri("/").header(HOST, host);
        let (parts, ()) = request.body(()).unwrap().into_parts();
        Hosts::loopback(SocketAddr::from(([127, 0, 0, 1], port))).allow(&parts)
    }

    #[test]
    fn the_port_of_http_need_not_be_said() {
        for host in ["127.0.0.1", "localhost", "LOCALHOST:80", "[::1]"] {
            assert!(allowed(80, host), "{host}");
        }
        assert!(allowed(7878, "localhost:7878"));
        for (port, host) in [(7878, "localhost"), (80, "localhost:81"), (80, "a.example")] {
            assert!(!allowed(port, host), "{host} at {port}");
        }
    }
}
