//! Several transports as one: what the first one cannot bring, the next is asked for.

use std::collections::HashMap;

use ourspace_protocol::{
    dag::Cid,
    seams::{Arrival, BoxFuture, Session, Want},
};

/// Sessions of several transports, in the order in which they are asked.
pub(super) struct Chain {
    sessions: Vec<Box<dyn Session>>,
    /// What is wanted, and of which session.
    wanted: HashMap<Cid, (usize, Want)>,
}

impl Chain {
    pub(super) fn new(sessions: Vec<Box<dyn Session>>) -> Self {
        Self {
            sessions,
            wanted: HashMap::new(),
        }
    }

    fn ask(&mut self, wants: Vec<Want>, hurry: bool) {
        let new: Vec<Want> = wants
            .into_iter()
            .filter(|want| !self.wanted.contains_key(&want.cid))
            .collect();
        for want in &new {
            self.wanted.insert(want.cid, (0, want.clone()));
        }
        if let Some(first) = self.sessions.first_mut() {
            match hurry {
                true => first.hurry(new),
                false => first.want(new),
            }
        }
    }

    /// Whether a block that a session does not have is asked of the next one.
    fn pass_on(&mut self, cid: Cid) -> bool {
        let Some((at, want)) = self.wanted.get_mut(&cid) else {
            return true;
        };
        *at += 1;
        match self.sessions.get_mut(*at) {
            Some(next) => {
                next.want(vec![want.clone()]);
                true
            }
            None => {
                self.wanted.remove(&cid);
                false
            }
        }
    }
}

impl Session for Chain {
    fn want(&mut self, wants: Vec<Want>) {
        self.ask(wants, false);
    }

    fn hurry(&mut self, wants: Vec<Want>) {
        self.ask(wants, true);
    }

    fn cancel(&mut self, cids: &[Cid]) {
        for cid in cids {
            self.wanted.remove(cid);
        }
        for session in &mut self.sessions {
            session.cancel(cids);
        }
    }

    fn trouble(&self) -> Option<String> {
        self.sessions.iter().find_map(|session| session.trouble())
    }

    fn next(&mut self) -> BoxFuture<'_, Arrival> {
        Box::pin(async {
            loop {
                if self.sessions.is_empty()
                    && let Some(cid) = self.wanted.keys().next().copied()
                {
                    self.wanted.remove(&cid);
                    return Arrival::Missing(cid);
                }
                let next = self.sessions.iter_mut().map(|session| session.next());
                let (arrival, ..) = match self.wanted.is_empty() {
                    true => std::future::pending().await,
                    false => futures::future::select_all(next).await,
                };
                match arrival {
                    Arrival::Block(block) => {
                        if self.wanted.remove(&block.cid()).is_some() {
                            return Arrival::Block(block);
                        }
                    }
                    Arrival::Missing(cid) => {
                        if !self.pass_on(cid) {
                            return Arrival::Missing(cid);
                        }
                    }
                }
            }
        })
    }
}
