//! Rendezvous on the Mainline DHT: the only room that names mainline.
