//! The owner's wallet and cards on a real `bitcoind`.

crate::owner_support::stories::tests!(crate::bitcoind::Bitcoind::start);
