//! Certificates, lists and cards, without an emulator.

mod cards;
mod openssl;
