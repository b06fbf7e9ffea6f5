//! What all stories begin with: issued and funded cards, and the chain that has their coins. It is
//! made once; each story has copies.

use std::collections::HashMap;

use bitcoin::{Amount, Network as Chain, ScriptBuf, Transaction, TxOut};
use tillcard::owner::{AdoptTerms, Owner};
use tillcard_client::account::{CardAccount, CardChain, Leaf};
use tillcard_client::card::{self, CardKeys, IssueOrder, Limits, PinBlock, Policy};
use tillcard_client::genuine::Checker;
use tillcard_client::vetting::Vetting;
use tillcard_emu::nvm::CardMemory;
use tillcard_emu::{EmulatedCard, Seed};

use crate::chain::{Ledger, Network, Node};
use crate::dice::Dice;
use crate::fuse::Fuse;
use crate::home::{HomeFacts, OwnersFolder};
use crate::issuing::NewCard;

/// Scripts of each chain of a card that are known to be its own: more than any story uses.
const SCRIPTS: u32 = 48;

/// The coins of a card, in sat. Of two equal ones the card takes that of the lower txid, which is
/// another in each run.
const COINS: [u64; 3] = [61_000, 43_000, 24_000];

/// Most that a card pays without PIN whose owner allows that.
pub const WITHOUT_PIN: Amount = Amount::from_sat(9_000);

/// Why a world can't be made.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A kind of card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// With certificates, and with a PIN for each payment.
    Usual,
    /// The same, and small payments without PIN.
    WithoutPin,
    /// Without certificates, for plain sessions.
    Plain,
}

/// The cards of each story.
pub const KINDS: [Kind; 4] = [Kind::Usual, Kind::Usual, Kind::WithoutPin, Kind::Plain];

/// What is known of a card.
pub struct CardFacts {
    /// What kind it is.
    pub kind: Kind,
    /// Its memory.
    pub image: Vec<u8>,
    /// Its account.
    pub account: CardAccount,
    /// Its own keys.
    pub keys: CardKeys,
    /// Its holder's PIN.
    pub pin: String,
}

/// Cards and chain, as each story finds them.
pub struct World {
    /// The cards.
    pub cards: Vec<CardFacts>,
    /// The chain.
    pub ledger: Ledger,
    /// The height above which stories are.
    pub granted: u32,
    /// Which card a script is of.
    pub scripts: HashMap<ScriptBuf, usize>,
    /// Whom tills and owners trust. One for all stories, as a till has one for all customers.
    pub checker: Checker,
    /// The owner's folder, with all of the cards.
    pub folder: OwnersFolder,
    /// What stories at home begin with.
    pub home: HomeFacts,
}

impl World {
    /// Makes it.
    ///
    /// # Errors
    /// When a card can't be made, issued or told of its coins.
    pub fn new() -> Result<Self, Failure> {
        let network = Network::new(Ledger::new());
        let node = Node::new(network.clone(), Dice::new(0, 0), Fuse::new());
        let checker = Checker::new(Chain::Regtest)?;
        let (folder, mut owner) = OwnersFolder::create(&network, &node)?;
        let mut issued = Vec::new();
        for (number, kind) in (0..).zip(KINDS) {
            let card = issue(number, kind, &owner)?;
            let coins = fund(number, &card.issued.account, &network)?;
            issued.push((card, coins));
        }
        let granted = network.ledger().bury();
        owner.sync(&node, &mut |_, _| ())?;
        let (mut cards, mut scripts) = (Vec::new(), HashMap::new());
        for ((number, kind), (card, coins)) in (0..).zip(KINDS).zip(issued) {
            take_up(number, &card, &coins, &mut owner, &node, &checker)?;
            let account = card.issued.account;
            for chain in [CardChain::Receive, CardChain::Change] {
                for index in 0..SCRIPTS {
                    scripts.insert(account.script(chain, index)?, number as usize);
                }
            }
            cards.push(CardFacts {
                kind,
                image: card.card.image(),
                account,
                keys: card.issued.card_keys.ok_or("the card names its keys")?,
                pin: pin_of(number),
            });
        }
        let ledger = network.ledger().clone();
        Ok(Self {
            cards,
            ledger,
            granted,
            scripts,
            folder,
            home: HomeFacts::new(checker.clone())?,
            checker,
        })
    }
}

fn pin_of(number: u32) -> String {
    format!("407{number}")
}

/// Issues a card to the owner, as his card of this number.
fn issue(number: u32, kind: Kind, owner: &Owner) -> Result<NewCard, Failure> {
    let seed = Seed::Number(u64::from(number) + 1);
    let blank = match kind {
        Kind::Plain => EmulatedCard::ephemeral_blank(seed)?,
        _ => EmulatedCard::ephemeral(seed)?,
    };
    let image = blank.into_nvm().read_image()?;
    let order = IssueOrder {
        network: Chain::Regtest,
        owner_key: owner.owner_key(number)?.public(),
        leaf: Leaf::with_delay(owner.leaf_key(number)?, 0),
        import: None,
        pin: &PinBlock::from_digits(pin_of(number).as_bytes()).ok_or("a PIN")?,
        limits: limits(kind),
        policy: Policy {
            plain_sessions: kind == Kind::Plain,
            statements: false,
        },
    };
    NewCard::issue(&image, u64::from(number), &order)
}

/// Gives a card's account its coins.
fn fund(
    number: u32,
    account: &CardAccount,
    network: &Network,
) -> Result<Vec<Transaction>, Failure> {
    let mut coins = Vec::new();
    for (index, amount) in (0..).zip(COINS) {
        let output = TxOut {
            value: Amount::from_sat(amount + u64::from(number)),
            script_pubkey: account.script(CardChain::Receive, index)?,
        };
        coins.push(network.ledger().grant(vec![output]));
    }
    Ok(coins)
}

/// The owner's folder learns of the card, and the card of its coins.
fn take_up(
    number: u32,
    new: &NewCard,
    coins: &[Transaction],
    owner: &mut Owner,
    node: &Node,
    checker: &Checker,
) -> Result<(), Failure> {
    let vetting = Vetting {
        checker: checker.clone(),
        unverified: false,
    };
    let mut session = card::open(new.connect()?)?.issued()?;
    let trust = vetting.vet(&mut session)?;
    let terms = AdoptTerms {
        uncertified: true,
        number: Some(number),
        since: 0,
    };
    let (_, session) = owner.adopt(session, &trust, terms, node, &mut |_, _| ())?;
    session.close()?;
    let mut visit = owner.visit(Some(number), new.connect()?)?;
    for (index, funding) in (0..).zip(coins) {
        visit
            .card
            .enter_coin(funding, 0, CardChain::Receive, index)?;
    }
    visit.close()?;
    Ok(())
}

/// What a card's owner allows: what he does who says nothing, but less at once and more often.
fn limits(kind: Kind) -> Limits {
    let usual = Limits {
        per_payment: 30_000,
        cumulative: 400_000,
        payments: 60,
        ..Limits::from(&tillcard::owner::Limits::DEFAULT)
    };
    match kind {
        Kind::WithoutPin => Limits {
            without_pin_amount: WITHOUT_PIN.to_sat(),
            without_pin_payments: 30,
            ..usual
        },
        _ => usual,
    }
}
