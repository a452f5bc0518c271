//! Transport over HTTP: feeds of any web host.
