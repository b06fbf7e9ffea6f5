//! Tests that need a reader: a pcscd with the vpcd driver, such as `scripts/with-pcscd.sh` gives,
//! and `tillcard-emu` beside `tillcard-conform` (`cargo build -p tillcard-emu`).

mod cards;
mod verdicts;
