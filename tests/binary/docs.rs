//! The documentation as its readers follow it.
