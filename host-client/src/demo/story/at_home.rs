//! A new owner issues a card and fills it.

use bitcoin::{Amount, Network};

use super::{FEE_RATE, Home, LIMITS, MATURITY, Play, TOP_UP, nobody, wait_for_card};
use crate::demo::emulator::Emulator;
use crate::demo::failure::{DemoError, expect};
use crate::demo::narrator::Narrator;
use tillcard::owner::{IssueTerms, LeafTerms, Owner, Visit, WordCount, Words};
use tillcard::text::sat;
use tillcard_client::card::{self, PinBlock, Policy};
use tillcard_client::genuine::Checker;
use tillcard_client::transport::Transport;
use tillcard_client::vetting::{Trust, Vetting};

impl Play<'_> {
    /// A new owner issues a card and fills it.
    pub(super) fn at_home(
        &mut self,
        narrator: &mut Narrator,
    ) -> Result<(Home, Emulator), DemoError> {
        let (mut owner, words) = narrator.step("new-owner", "A new owner", || {
            let words = Words::generate(WordCount::Twelve)?;
            let folder = self.stage.folder("owner");
            let mut owner = Owner::create(&folder, Network::Regtest, &words, &self.chain)?;
            self.mine(1, &owner.next_address()?.script_pubkey())?;
            self.mine(MATURITY, &nobody())?;
            owner.sync(&self.chain, &mut |_, _| ())?;
            let text = format!(
                "A new owner: 12 words on paper, {} in the wallet",
                sat(owner.balance().confirmed)
            );
            Ok(((owner, words), text))
        })?;

        let emulator = self.insert(narrator, "card-inserted", "A fresh card is put in")?;
        let (session, trust, atr) = narrator.step("genuine", "A secure channel", || {
            let transport = wait_for_card()?;
            let atr = hex::encode_upper(transport.atr());
            let mut session = card::open(transport)?.factory()?;
            let vetting = Vetting {
                checker: Checker::new(Network::Regtest)?,
                unverified: false,
            };
            let trust = vetting.vet(&mut session)?;
            let Trust::Certified {
                vouched: Some(vouched),
                ..
            } = &trust
            else {
                return Err(DemoError::new("nobody vouches for the card"));
            };
            let text = format!(
                "A secure channel; the card proves to be of batch {}",
                vouched.batch
            );
            Ok(((session, trust, atr), text))
        })?;
        let (record, session) = narrator.step("issued", "The card is issued", || {
            let pin = PinBlock::from_digits(self.pin.as_bytes())
                .ok_or_else(|| DemoError::new("a PIN that is none"))?;
            let terms = IssueTerms {
                label: "milk money".into(),
                import: false,
                leaf: LeafTerms::CardKey { delay: 0 },
                backup_on_chain: true,
                limits: LIMITS,
                policy: Policy::default(),
                pin: &pin,
            };
            let (record, session) = owner.issue(session, &trust, terms, &self.chain)?;
            let text = format!(
                "Issued: key made on the card with our share; {} a payment",
                sat(LIMITS.per_payment)
            );
            Ok(((record, session), text))
        })?;
        let number = record.number;
        narrator.fact("reader", emulator.reader());
        narrator.fact("atr", atr);

        narrator.step("top-up", "The card is topped up", || {
            let top_up = owner.top_up(&self.chain, number, TOP_UP, FEE_RATE)?;
            self.mine(1, &nobody())?;
            let authority = owner.authority(&record)?;
            let mut visit = Visit {
                card: session.as_owner(authority),
                record,
            };
            let mut read = Amount::ZERO;
            owner.enter_top_ups(&mut visit, &[top_up], &mut |_, amount| read = amount)?;
            expect(read == TOP_UP, "the card read another amount")?;
            self.host_apdus += visit.card.close()?;
            let text = format!(
                "Topped up: {} in a block, and the card has checked it",
                sat(read)
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
