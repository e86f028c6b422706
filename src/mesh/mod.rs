//! Inboxes and wakes between cores.
