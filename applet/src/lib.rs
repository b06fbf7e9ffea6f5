//! The Tillcard smart card: a Bitcoin card that writes its own payments.
