//! The suite finds what is wrong with faulty cards.
fn main() {}
