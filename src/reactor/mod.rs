//! One core's event loop.
