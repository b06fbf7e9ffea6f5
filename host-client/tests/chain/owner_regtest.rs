//! The owner's wallet and cards on the embedded regtest chain.

crate::owner_support::stories::tests!(crate::embedded::Embedded::start);
