//! The context in which secp256k1 signatures and scripts are checked. It is made once: that takes
//! longer than a signature's check, and nothing secret is ever in it.

use std::sync::LazyLock;

use bitcoin::secp256k1::{Secp256k1, VerifyOnly};

pub(crate) static VERIFIER: LazyLock<Secp256k1<VerifyOnly>> =
    LazyLock::new(Secp256k1::verification_only);
