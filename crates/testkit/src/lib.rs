//! What tests of several rooms share. Never part of the program.

pub mod lab;
pub mod mainline;
pub mod peers;
pub mod random;
pub mod sample;
pub mod signing;
pub mod tree;
pub mod vectors;
pub mod web_host;
