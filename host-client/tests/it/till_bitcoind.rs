//! The till on a real `bitcoind`, with the real card in process.

crate::till_support::stories::tests!(crate::bitcoind::Bitcoind::start);
