//! The names of the protocol's versions, and agreeing on one.

use std::{convert::Infallible, future::Ready, future::ready};

use libp2p::{
    Stream, StreamProtocol,
    core::upgrade::{InboundUpgrade, OutboundUpgrade, UpgradeInfo},
};

use super::message::Version;

const V1_2: StreamProtocol = StreamProtocol::new("/ipfs/bitswap/1.2.0");
const V1_1: StreamProtocol = StreamProtocol::new("/ipfs/bitswap/1.1.0");
const V1_0: StreamProtocol = StreamProtocol::new("/ipfs/bitswap/1.0.0");

/// Bitswap on a stream, the newest version that both sides know.
#[derive(Clone, Copy, Debug)]
pub struct Protocol;

impl UpgradeInfo for Protocol {
    type Info = StreamProtocol;
    type InfoIter = std::array::IntoIter<StreamProtocol, 3>;

    fn protocol_info(&self) -> Self::InfoIter {
        [V1_2, V1_1, V1_0].into_iter()
    }
}

impl InboundUpgrade<Stream> for Protocol {
    type Output = (Stream, Version);
    type Error = Infallible;
    type Future = Ready<Result<Self::Output, Infallible>>;

    fn upgrade_inbound(self, stream: Stream, info: StreamProtocol) -> Self::Future {
        ready(Ok((stream, version(&info))))
    }
}

impl OutboundUpgrade<Stream> for Protocol {
    type Output = (Stream, Version);
    type Error = Infallible;
    type Future = Ready<Result<Self::Output, Infallible>>;

    fn upgrade_outbound(self, stream: Stream, info: StreamProtocol) -> Self::Future {
        ready(Ok((stream, version(&info))))
    }
}

fn version(info: &StreamProtocol) -> Version {
    match info {
        info if *info == V1_2 => Version::V1_2,
        info if *info == V1_1 => Version::V1_1,
        _ => Version::V1_0,
    }
}
