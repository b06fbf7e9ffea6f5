//! What all stories begin with: issued and funded cards, and the chain that has their coins. It is
//! made once; each story has copies.

use std::collections::HashMap;

use bitcoin::key::{Keypair, Secp256k1};
use bitcoin::secp256k1::{Message, SecretKey};
use bitcoin::{Amount, Network, ScriptBuf, TxOut};
use tillcard_client::account::{CardAccount, CardChain, Leaf};
use tillcard_client::card::{
    self, CardError, CardKeys, IssueOrder, Limits, OwnerAuthority, PinBlock, Policy,
};
use tillcard_client::genuine::Checker;
use tillcard_emu::nvm::CardMemory;
use tillcard_emu::{EmulatedCard, Seed};

use crate::chain::Ledger;
use crate::home::HomeFacts;
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
    /// Its owner's key.
    pub owner_key: Keypair,
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
    /// What stories at home begin with.
    pub home: HomeFacts,
}

/// Signs owner commands.
pub struct Authority(pub Keypair, pub [u8; 16]);

impl OwnerAuthority for Authority {
    fn card_id(&self) -> [u8; 16] {
        self.1
    }

    fn sign(&self, message: &[u8; 32]) -> Result<[u8; 64], CardError> {
        let message = Message::from_digest(*message);
        let signature = Secp256k1::new().sign_schnorr_no_aux_rand(&message, &self.0);
        Ok(signature.serialize())
    }
}

impl World {
    /// Makes it.
    ///
    /// # Errors
    /// When a card can't be made, issued or told of its coins.
    pub fn new() -> Result<Self, Failure> {
        let mut ledger = Ledger::new();
        let mut cards = Vec::new();
        let mut scripts = HashMap::new();
        for (number, kind) in KINDS.into_iter().enumerate() {
            let facts = issue(number, kind, &mut ledger)?;
            for chain in [CardChain::Receive, CardChain::Change] {
                for index in 0..SCRIPTS {
                    scripts.insert(facts.account.script(chain, index)?, number);
                }
            }
            cards.push(facts);
        }
        let granted = ledger.bury();
        let checker = Checker::new(Network::Regtest)?;
        Ok(Self {
            cards,
            ledger,
            granted,
            scripts,
            home: HomeFacts::new(checker.clone())?,
            checker,
        })
    }
}

/// Issues a card, and tells it of its coins.
fn issue(number: usize, kind: Kind, ledger: &mut Ledger) -> Result<CardFacts, Failure> {
    let seed = Seed::Number(number as u64 + 1);
    let blank = match kind {
        Kind::Plain => EmulatedCard::ephemeral_blank(seed)?,
        _ => EmulatedCard::ephemeral(seed)?,
    };
    let image = blank.into_nvm().read_image()?;
    let byte = u8::try_from(number + 1)?;
    let (owner_key, leaf_key) = (keypair(0x10 + byte)?, keypair(0x20 + byte)?);
    let pin = format!("407{number}");
    let order = IssueOrder {
        network: Network::Regtest,
        owner_key: owner_key.x_only_public_key().0,
        leaf: Leaf::with_delay(leaf_key.x_only_public_key().0, 0),
        import: None,
        pin: &PinBlock::from_digits(pin.as_bytes()).ok_or("a PIN")?,
        limits: limits(kind),
        policy: Policy {
            plain_sessions: kind == Kind::Plain,
            statements: false,
        },
    };
    let new = NewCard::issue(&image, number as u64, &order)?;
    let account = &new.issued.account;
    let keys = new.issued.card_keys.ok_or("the card names its keys")?;

    let mut session = card::open(new.connect()?)?.issued()?;
    session.open_channel(&keys.agreement)?;
    let mut owner = session.as_owner(Authority(owner_key, account.card_id()));
    for (index, amount) in (0..).zip(COINS) {
        let output = TxOut {
            value: Amount::from_sat(amount + number as u64),
            script_pubkey: account.script(CardChain::Receive, index)?,
        };
        let funding = ledger.grant(vec![output]);
        owner.enter_coin(&funding, 0, CardChain::Receive, index)?;
    }
    owner.close()?;
    Ok(CardFacts {
        kind,
        image: new.card.image(),
        account: new.issued.account,
        keys,
        owner_key,
        pin,
    })
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

fn keypair(byte: u8) -> Result<Keypair, bitcoin::secp256k1::Error> {
    let secret = SecretKey::from_slice(&[byte; 32])?;
    Ok(Keypair::from_secret_key(&Secp256k1::new(), &secret))
}
