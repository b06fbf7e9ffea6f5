//! Bringing a card as far as a scenario wants it, by its owner's commands and a shop's.

use rand_chacha::ChaCha20Rng;
use rand_core::Rng;
use tillcard_protocol::command::{Policy, Source};
use tillcard_test_owner::bitcoin::Amount;
use tillcard_test_owner::{Contact, Funding, Invented, Owner, ShopRequest, Terms};

use super::{
    Amounts, DescribedAccount, DescribedCoin, Description, LifeState, Scenario, TestCardError,
};
use crate::slot::{CardInSlot, SlotError};

/// What the shop pays for the space in a block, in sat/kvB.
const FEE_RATE: u32 = 2_000;

/// The policy under which a card is prepared.
const OPEN: Policy = Policy {
    plain_sessions: true,
    statements: true,
};

/// Issues a card with power and does all to it that the scenario says.
pub(super) fn issue(
    card: &mut dyn CardInSlot,
    scenario: &Scenario,
    rng: &mut ChaCha20Rng,
    funding: Option<&mut dyn Funding>,
    about: &mut Description,
) -> Result<(), TestCardError> {
    let mut seed = [0; 32];
    rng.fill_bytes(&mut seed);
    let mut transmit =
        |command: &[u8]| -> Result<Vec<u8>, SlotError> { Ok(card.transmit(command)?.to_vec()) };
    let contact: &mut dyn Contact = &mut transmit;
    let terms = Terms {
        network: scenario.network.into(),
        pin: scenario.pin.clone(),
        limits: scenario.limits.into(),
        policy: OPEN,
    };
    let mut owner = Owner::issue(contact, &terms, seed)?;
    about.pin = Some(scenario.pin.clone());
    about.account = Some(DescribedAccount::new(owner.account(), scenario.network));
    let mut invented = Invented {
        number: owner.number("coins"),
    };
    let funding = funding.unwrap_or(&mut invented);
    let amounts = Amounts::each(&scenario.coins).map(Amount::from_sat);
    let coins = owner.fund(amounts, funding)?;
    for coin in &coins {
        owner.enter(contact, coin)?;
        about.coins.push(DescribedCoin::from(coin));
    }
    if scenario.swept && !coins.is_empty() {
        funding.send(&owner.sweep(&coins)?)?;
    }
    for amount in Amounts::each(&scenario.payments) {
        let request = ShopRequest {
            amount,
            fee_rate: FEE_RATE,
            source: Source::Rooted,
        };
        about.add_payment(&owner.pay(contact, request)?);
    }
    let policy = Policy::from(scenario.policy);
    if policy != OPEN {
        owner.set_policy(contact, policy)?;
    }
    if scenario.state == LifeState::Terminated {
        owner.terminate(contact)?;
    }
    for _ in 0..scenario.wrong_pins {
        owner.guess_pin(contact)?;
    }
    Ok(())
}
