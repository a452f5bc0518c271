//! Asking web hosts (HTTP/1.1, RFC 9112), as somebody who believes nothing that they say.
//!
//! Whatever a host does, an answer ends: its head, its body, what is unpacked of it and
//! the time that it takes have limits, and a host that fails or asks for it is left alone
//! for a while. Redirects are followed by ourselves, each step checked like the first.

mod ask;
mod backoff;
mod body;
mod connect;
mod decode;
mod head;
mod origin;
mod pool;

use std::{io, sync::Arc};

use hyper::{Request, Response, body::Incoming, header};
use jiff::Timestamp;
use ourspace_protocol::seams::Net;
use tokio::time::{self, Instant};
use tokio_rustls::rustls::pki_types::CertificateDer;
use url::Url;

pub use self::{
    ask::{Ask, Limits, Validators},
    body::Body,
    head::Head,
};
use self::{
    connect::{Connector, Question},
    origin::Origin,
    pool::{Deed, Lease, Pool},
};
use crate::error::HttpError;

/// Redirects that are followed.
const REDIRECTS: usize = 5;
/// Connections to one host at once.
const CONNECTIONS: usize = 4;

/// How this program shows itself.
const USER_AGENT: &str = concat!("OurSpace/", env!("CARGO_PKG_VERSION"));

/// Asks web hosts. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    connector: Connector,
    pool: Arc<Pool>,
}

/// An answer: its head is here, its body comes.
#[derive(Debug)]
pub struct Answer {
    /// What the host said first.
    pub head: Head,
    /// What it goes on to say.
    pub body: Body,
}

impl Client {
    /// A client that talks through `net` and believes the certificates of public
    /// authorities, and of `more`.
    ///
    /// # Errors
    /// When one of `more` cannot be used.
    pub fn new(net: Arc<dyn Net>, more: &[CertificateDer<'_>]) -> io::Result<Self> {
        Ok(Self {
            connector: Connector::new(net, more)?,
            pool: Pool::new(CONNECTIONS),
        })
    }

    /// Asks (GET). Any status is an answer, but for the redirects that were followed.
    ///
    /// # Errors
    /// [`HttpError`] when there was no answer, or when it may not be followed to where it
    /// leads.
    pub async fn get(&self, ask: Ask<'_>) -> Result<Answer, HttpError> {
        let mut url = ask.url.clone();
        url.set_fragment(None);
        let mut moved = None;
        let mut for_ever = true;
        for _ in 0..=REDIRECTS {
            // What a person allowed holds for the host that they named, not for where it
            // sends them.
            let private = ask.private && url.host_str() == ask.url.host_str();
            let origin = Origin::of(&url, private)?;
            let (response, lease) = self.one(&ask, &url, &origin).await?;
            let status = response.status().as_u16();
            if let 301 | 302 | 303 | 307 | 308 = status {
                let to = head::text(response.headers(), &header::LOCATION);
                let next = origin::redirected(&url, to.as_deref());
                url = next.map_err(|why| HttpError::Redirect {
                    host: origin.host,
                    why,
                })?;
                for_ever &= matches!(status, 301 | 308);
                moved = for_ever.then(|| url.clone());
                continue;
            }
            let (parts, incoming) = response.into_parts();
            let encoding = head::encoding(&parts.headers);
            let mut head = head::read(status, url, &parts.headers, Timestamp::now());
            head.moved = moved;
            self.judge(&origin, &head);
            let body = Body::new(incoming, &encoding, &ask.limits, lease)?;
            return Ok(Answer { head, body });
        }
        Err(HttpError::Redirect {
            host: url.host_str().unwrap_or_default().to_owned(),
            why: "too many times",
        })
    }

    /// Asks one host once.
    async fn one(
        &self,
        ask: &Ask<'_>,
        url: &Url,
        origin: &Origin,
    ) -> Result<(Response<Incoming>, Lease), HttpError> {
        let host = || origin.host.clone();
        let later = |wait| HttpError::Later { host: host(), wait };
        let seats = self.pool.seats(origin, Instant::now()).map_err(later)?;
        let Ok(seat) = seats.acquire_owned().await else {
            return Err(HttpError::Slow(host()));
        };
        // The host may have asked to be left alone while we stood in the line.
        self.pool.seats(origin, Instant::now()).map_err(later)?;
        let asked = time::timeout(ask.limits.head, self.talk(ask, url, origin)).await;
        let answered = asked.unwrap_or_else(|_| Err(HttpError::Slow(host())));
        let (response, connection) = answered.inspect_err(|error| {
            if error.may_pass() {
                self.pool.note(origin, Deed::Failed, Instant::now());
            }
        })?;
        let lease = Lease {
            pool: Arc::clone(&self.pool),
            origin: origin.clone(),
            connection,
            seat,
        };
        Ok((response, lease))
    }

    async fn talk(
        &self,
        ask: &Ask<'_>,
        url: &Url,
        origin: &Origin,
    ) -> Result<(Response<Incoming>, connect::Connection), HttpError> {
        let question = || question(ask, url, origin);
        // The host may close an idle connection at the very moment when it is used again:
        // that is no answer, so a new connection is asked (RFC 9112, 9.3.1).
        if let Some(mut idle) = self.pool.idle(origin)
            && let Ok(response) = idle.ask(question()?).await
        {
            return Ok((response, idle));
        }
        let mut connection = self.connector.connect(origin).await?;
        let asked = connection.ask(question()?).await;
        let response = asked.map_err(|source| HttpError::Http {
            host: origin.host.clone(),
            source,
        })?;
        Ok((response, connection))
    }

    fn judge(&self, origin: &Origin, head: &Head) {
        let deed = match head.status {
            429 => Deed::Refused(head.retry_after),
            503 if head.retry_after.is_some() => Deed::Refused(head.retry_after),
            // A gateway says so of what it did not find in time.
            504 => return,
            500..=599 => Deed::Failed,
            _ => Deed::Answered,
        };
        self.pool.note(origin, deed, Instant::now());
    }
}

/// The question as it is sent: no cookie, no referrer, nothing about whoever asks.
fn question(ask: &Ask<'_>, url: &Url, origin: &Origin) -> Result<Question, HttpError> {
    let mut request = Request::get(origin::target(url))
        .header(header::HOST, origin.authority())
        .header(header::USER_AGENT, USER_AGENT)
        .header(header::ACCEPT, ask.accept);
    request = match ask.range {
        // A part of what is packed is of no use.
        Some((first, last)) => {
            let last = last.map_or_else(String::new, |last| last.to_string());
            request
                .header(header::RANGE, format!("bytes={first}-{last}"))
                .header(header::ACCEPT_ENCODING, "identity")
        }
        None => request.header(header::ACCEPT_ENCODING, "gzip, deflate"),
    };
    if let Some(etag) = &ask.known.etag {
        request = request.header(header::IF_NONE_MATCH, etag);
    }
    if let Some(date) = &ask.known.last_modified {
        request = request.header(header::IF_MODIFIED_SINCE, date);
    }
    request
        .body(Default::default())
        .map_err(|_| HttpError::Url {
            url: url.as_str().chars().take(200).collect(),
            why: "it cannot be written as a question",
        })
}
