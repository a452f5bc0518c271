//! The network between nodes: the only room that names libp2p.
