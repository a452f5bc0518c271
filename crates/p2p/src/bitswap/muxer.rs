//! How streams share a TCP connection, so that other programs can send blocks on it.

use libp2p::yamux;

/// Streams that a connection may have open. It is not meant as a limit for streams, of
/// which every protocol has its own: see [`muxer`].
const STREAMS: usize = 4093;

/// The stream multiplexer's settings for connections on which blocks come.
///
/// Two things follow from the number of streams, because yamux sets aside 256 KiB of its
/// 1 GiB for each of them. What is left, 768 KiB, is all that the windows of one connection
/// may grow by: so nobody can make us hold a gigabyte for one connection, and no window is
/// above 1 MiB. The latter matters for Helia, whose js-libp2p sends as much as the window
/// allows in one frame, while our yamux (0.14) drops a connection with a frame above 1 MiB.
#[must_use]
pub fn muxer() -> yamux::Config {
    let mut config = yamux::Config::default();
    config.set_max_num_streams(STREAMS);
    config
}
