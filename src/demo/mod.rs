//! A million buyers, ten thousand places, a crash and an audit.
