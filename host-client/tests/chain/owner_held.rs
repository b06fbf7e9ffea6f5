//! A real card in this process that an owner issues, adopts and holds several sessions with.

use bitcoin::Network;
use tillcard::owner::{AdoptTerms, CardRecord, IssueTerms, LeafTerms, Limits, Owner, OwnerError};
use tillcard_client::card::{self, Issued, Policy, Session};
use tillcard_client::genuine::Checker;
use tillcard_client::transport::{Transport, TransportError};
use tillcard_client::vetting::Vetting;

use crate::card_support::{Between, Middle, PIN, TestCard, fresh_card, pin};
use crate::owner_support::Regtest;

/// When a card leaves the reader.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Leaves {
    BeforeItHears,
    BeforeItIsHeard,
}

/// The card leaves at the next command of an instruction.
#[derive(Default)]
pub(crate) struct Tear(Option<(u8, Leaves)>);

/// A card that several sessions, one after the other, are held with; it leaves at a command.
pub(crate) type Shared = Between<Tear>;

impl Middle for Tear {
    fn answer(&mut self, card: &mut TestCard, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let Some((_, leaves)) = self
            .0
            .take_if(|(instruction, _)| *instruction == command[1])
        else {
            return card.transmit(command);
        };
        if let Leaves::BeforeItIsHeard = leaves {
            card.transmit(command)?;
        }
        card.power_cut()?;
        Err(TransportError::CardRemoved)
    }
}

impl Shared {
    pub(crate) fn fresh(seed: u64) -> Self {
        Self::of(fresh_card(seed))
    }

    pub(crate) fn of(card: TestCard) -> Self {
        Self::new(card, Tear::default())
    }

    /// The card leaves at the next command of this instruction.
    pub(crate) fn tear(&self, instruction: u8, leaves: Leaves) {
        *self.middle.borrow_mut() = Tear(Some((instruction, leaves)));
    }

    pub(crate) fn session(&self) -> Session<Self, Issued> {
        let opened = card::open(self.clone()).expect("a card");
        opened.issued().expect("an issued one")
    }
}

/// How a card is issued.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) import: bool,
    pub(crate) leaf_delay: Option<u16>,
}

pub(crate) const MADE: Kind = Kind {
    import: false,
    leaf_delay: Some(0),
};

/// Issues the card as `tillcard owner issue` does.
pub(crate) fn issue<T: Transport>(
    owner: &mut Owner,
    regtest: &dyn Regtest,
    transport: T,
    kind: Kind,
) -> Result<CardRecord, OwnerError> {
    let mut session = card::open(transport)?.factory()?;
    let trust = vetting().vet(&mut session).expect("in order");
    let terms = IssueTerms {
        label: "milk money".into(),
        import: kind.import,
        leaf: match kind.leaf_delay {
            Some(delay) => LeafTerms::CardKey { delay },
            None => LeafTerms::None,
        },
        backup_on_chain: true,
        limits: Limits::DEFAULT,
        policy: Policy::default(),
        pin: &pin(PIN),
    };
    let issued = owner.issue(session, &trust, terms, regtest.chain());
    issued.map(|(record, _)| record)
}

/// Whom a test believes: the test root.
pub(crate) fn vetting() -> Vetting {
    Vetting {
        checker: Checker::new(Network::Regtest).expect("the test root"),
        unverified: false,
    }
}

/// Adopts the card as `tillcard owner adopt` does.
pub(crate) fn adopt<T: Transport>(
    owner: &mut Owner,
    regtest: &dyn Regtest,
    transport: T,
) -> Result<CardRecord, OwnerError> {
    adopt_with(owner, regtest, transport, AdoptTerms::default())
}

/// The same, as the owner says.
pub(crate) fn adopt_with<T: Transport>(
    owner: &mut Owner,
    regtest: &dyn Regtest,
    transport: T,
    terms: AdoptTerms,
) -> Result<CardRecord, OwnerError> {
    let mut session = card::open(transport)?.issued()?;
    let trust = vetting().vet(&mut session).expect("in order");
    let adopted = owner.adopt(session, &trust, terms, regtest.chain(), &mut |_, _| ());
    adopted.map(|(record, session)| {
        assert!(session.is_protected());
        record
    })
}

/// The owner can command the card, by what the folder knows.
pub(crate) fn obeys(owner: &Owner, number: u32, card: &Shared) -> bool {
    let record = owner.card(number).expect("a card");
    let authority = owner.authority(&record).expect("a key");
    card.session().as_owner(&authority).read_limits().is_ok()
}
