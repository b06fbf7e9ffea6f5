//! Memories that fail without saying so: what a card reads is wrong, what it wrote isn't there.

mod reads;
mod writes;

use tillcard_runtime::nvm::RamNvm;
use tillcard_testkit::faults::{FlippedNvm, LossyNvm, WeakNvm};
use tillcard_testkit::torn::TornNvm;

/// The fault models go over each other in any order.
#[test]
fn faults_compose() {
    let (card, owner) = crate::support::funded(90, &[50_000]);
    let torn = TornNvm::counting(card.into_nvm());
    let mut card = crate::support::selected(FlippedNvm::new(LossyNvm::new(WeakNvm::new(torn))));
    assert_eq!(owner.verify(&mut card, crate::support::PIN), 0x9000);
    let nvm: RamNvm = card
        .into_nvm()
        .into_inner()
        .into_inner()
        .into_inner()
        .into_inner();
    assert_eq!(
        owner.verify(&mut crate::support::selected(nvm), "000000"),
        0x63C2
    );
}
