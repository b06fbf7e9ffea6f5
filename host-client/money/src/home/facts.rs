//! What a story at home begins with.

use bitcoin::Network as Coin;
use tillcard::owner::{Limits, Owner};
use tillcard_client::account::Leaf;
use tillcard_client::card::{self, IssueOrder, PinBlock, Policy};
use tillcard_client::genuine::Checker;
use tillcard_emu::nvm::CardMemory;
use tillcard_emu::{EmulatedCard, Seed};

use super::folder::OwnersFolder;
use crate::chain::{Ledger, Network, Node};
use crate::dice::Dice;
use crate::fuse::Fuse;
use crate::issuing::NewCard;
use crate::world::Failure;

/// The PIN of each card of his.
pub const PIN: &str = "5310";
/// The card that the owner issued before he lost his folder.
pub const FORMER: usize = 0;
/// Cards that are nobody's yet.
pub const BLANK: [usize; 2] = [1, 2];
/// A thief's card. It obeys the owner's key, has his leaf, and shows no certificates; a thief has its
/// secret.
pub const THIEF: usize = 3;

/// What a story at home begins with.
pub struct HomeFacts {
    /// The owner's folder, with no card in it.
    pub folder: OwnersFolder,
    /// The cards' memories.
    pub images: Vec<Vec<u8>>,
    /// The chain.
    pub ledger: Ledger,
    /// The height above which stories are.
    pub granted: u32,
    /// Whom he trusts.
    pub checker: Checker,
}

impl HomeFacts {
    /// Makes it.
    ///
    /// # Errors
    /// When a card or the folder can't be made.
    pub fn new(checker: Checker) -> Result<Self, Failure> {
        let network = Network::new(Ledger::new());
        let node = Node::new(network.clone(), Dice::new(0, 0), Fuse::new());
        let (folder, mut owner) = OwnersFolder::create(&network, &node)?;
        let granted = network.ledger().bury();
        owner.sync(&node, &mut |_, _| ())?;
        let certified = |seed| -> Result<Vec<u8>, Failure> {
            let card = EmulatedCard::ephemeral(Seed::Number(seed))?;
            card.into_nvm().read_image()
        };
        let bare = EmulatedCard::ephemeral_blank(Seed::Number(14))?;
        let images = vec![
            issued(&owner, &certified(11)?)?,
            certified(12)?,
            certified(13)?,
            issued(&owner, &bare.into_nvm().read_image()?)?,
        ];
        let ledger = network.ledger().clone();
        Ok(Self {
            folder,
            images,
            ledger,
            granted,
            checker,
        })
    }
}

/// The memory of a card with this one, once it is issued as the owner's card 0.
fn issued(owner: &Owner, image: &[u8]) -> Result<Vec<u8>, Failure> {
    let order = IssueOrder {
        network: Coin::Regtest,
        owner_key: owner.owner_key(0)?.public(),
        leaf: Leaf::with_delay(owner.leaf_key(0)?, 0),
        import: None,
        pin: &PinBlock::from_digits(PIN.as_bytes()).ok_or("a PIN")?,
        limits: card::Limits::from(&Limits::DEFAULT),
        policy: Policy {
            plain_sessions: false,
            statements: false,
        },
    };
    Ok(NewCard::issue(image, 5, &order)?.card.image())
}
