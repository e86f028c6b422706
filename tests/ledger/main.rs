//! The file log against a disk that crashes, tears, fills up and rots, and against the real one.
#![cfg(test)]

mod crash;
mod damage;
mod directory;
mod retention;
mod rig;
mod space;
