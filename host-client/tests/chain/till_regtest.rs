//! The till on the embedded regtest chain, with the real card in process.

crate::till_support::stories::tests!(crate::embedded::Embedded::start);
