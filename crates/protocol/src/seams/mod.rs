//! The seams: the traits through which the pure rules meet the outside world.
//!
//! A trait stands here only when there are real implementations on its other side. None
//! of them is believed: what comes through is checked by whoever asked.

mod mailer;
mod net;
mod push;
mod reach;
mod resolver;
mod shelf;
mod signer;
mod transport;
mod web;

use std::{future::Future, pin::Pin};

pub use mailer::{Mailer, Member};
pub use net::{Dial, Net, Stream};
pub use push::Push;
pub use reach::is_public;
pub use resolver::{Candidate, Lookup, Resolver};
pub use shelf::RowShelf;
pub use signer::{Signer, SignerError};
pub use transport::{Arrival, Session, Transport, Want};
pub use web::{Web, WebAnswer, WebAsk, WebError};

/// What the methods of a seam that take time give back: whoever implements them chooses
/// how they are run.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
