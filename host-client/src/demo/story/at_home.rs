//! A new owner issues a card and fills it.

use std::sync::Arc;

use bitcoin::Network;

use super::{FEE_RATE, Home, LIMITS, MATURITY, NOTICE, Play, TOP_UP, nobody};
use crate::card::{self, IssueOrder, PinBlock, Policy};
use crate::demo::emulator::Emulator;
use crate::demo::failure::{DemoError, expect};
use crate::demo::narrator::Narrator;
use crate::genuine::Checker;
use crate::owner::{CardChain, Leaf, NewCard, Owner, WordCount, Words};
use crate::text::sat;
use crate::transport::Transport;
use crate::vetting::{Standing, Vetting};

impl Play<'_> {
    /// A new owner issues a card and fills it.
    pub(super) fn at_home(
        &mut self,
        narrator: &mut Narrator,
    ) -> Result<(Home, Emulator), DemoError> {
        let chain = Arc::clone(&self.chain);
        let (mut owner, words) = narrator.step("new-owner", "A new owner", || {
            let words = Words::generate(WordCount::Twelve)?;
            let folder = self.stage.folder("owner");
            let mut owner = Owner::create(&folder, Network::Regtest, &words, &*chain)?;
            self.mine(1, &owner.next_address()?.script_pubkey())?;
            self.mine(MATURITY, &nobody())?;
            owner.sync(&*chain, &mut |_, _| ())?;
            let text = format!(
                "A new owner: 12 words on paper, {} in the wallet",
                sat(owner.balance().confirmed)
            );
            Ok(((owner, words), text))
        })?;

        let emulator = self.insert(narrator, "card-inserted", "A fresh card is put in")?;
        let number = owner.next_card_number()?;
        let (session, standing, atr) = narrator.step("genuine", "A secure channel", || {
            let transport = self.readers.wait_for_card(Some(NOTICE))?;
            let atr = hex::encode_upper(transport.atr());
            let mut session = card::open(transport)?.factory()?;
            let vetting = Vetting {
                checker: Checker::new(Network::Regtest)?,
                unverified: false,
            };
            let standing = vetting.vet(&mut session)?;
            let Standing::Certified {
                vouched: Some(vouched),
                ..
            } = &standing
            else {
                return Err(DemoError::new("nobody vouches for the card"));
            };
            let text = format!(
                "A secure channel; the card proves to be of batch {}",
                vouched.batch
            );
            Ok(((session, standing, atr), text))
        })?;
        let session = narrator.step("issued", "The card is issued", || {
            let pin = PinBlock::from_digits(self.pin.as_bytes())
                .ok_or_else(|| DemoError::new("a PIN that is none"))?;
            let order = IssueOrder {
                network: Network::Regtest,
                owner_key: owner.owner_key(number)?.public(),
                leaf: Leaf::with_delay(owner.leaf_key(number)?, 0),
                import: None,
                pin: &pin,
                limits: card::Limits::from(&LIMITS),
                policy: Policy::default(),
            };
            let (issued, session) = session.issue(&order).map_err(|failed| failed.error)?;
            standing.expect(&issued)?;
            let new_card = NewCard {
                number,
                label: "milk money".into(),
                issued,
                limits: LIMITS,
                backup_on_chain: true,
            };
            owner.add_card(new_card, &*chain)?;
            let text = format!(
                "Issued: key made on the card with our share; {} a payment",
                sat(LIMITS.per_payment)
            );
            Ok((session, text))
        })?;
        narrator.fact("reader", emulator.reader());
        narrator.fact("atr", atr);

        narrator.step("top-up", "The card is topped up", || {
            let top_up = owner.top_up(&*chain, number, TOP_UP, FEE_RATE)?;
            self.mine(1, &nobody())?;
            let authority = (
                owner.owner_key(number)?,
                owner.card(number)?.account.card_id(),
            );
            let mut session = session.as_owner(&authority);
            let amount = session.enter_coin(
                &top_up.transaction,
                top_up.vout,
                CardChain::Receive,
                top_up.index,
            )?;
            expect(amount == TOP_UP, "the card read another amount")?;
            owner.mark_entered(number, &top_up.txid())?;
            self.host_apdus += session.close()?;
            let text = format!(
                "Topped up: {} in a block, and the card has checked it",
                sat(amount)
            );
            Ok(((), text))
        })?;
        let home = Home {
            owner,
            words,
            card: number,
        };
        Ok((home, emulator))
    }
}
