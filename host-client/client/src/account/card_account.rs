//! A card's account: its public key and chain code, and the scripts that follow from them.
//!
//! The descriptor is `tr(CARD/<0;1>/*,LEAF)` (BIP386, BIP389), see [`Leaf`]. The account key stands where
//! BIP32 has a master key: depth 0, no parent; below it nothing is hardened. `CARD/0/i` receives,
//! `CARD/1/i` is change.

use std::fmt;

use bitcoin::bip32::{ChainCode, ChildNumber, Fingerprint, Xpub};
use bitcoin::secp256k1::{PublicKey, Scalar, SecretKey};
use bitcoin::taproot::{ControlBlock, LeafVersion, TaprootBuilder, TaprootSpendInfo};
use bitcoin::{Address, Network, NetworkKind, ScriptBuf};
use serde::{Deserialize, Serialize};

use super::tagged_hash::tagged_hash;
use super::{AccountError, Leaf};
use crate::verifier::VERIFIER;

/// One of the two chains of a card's indexes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CardChain {
    /// `CARD/0/*`
    Receive,
    /// `CARD/1/*`
    Change,
}

impl CardChain {
    /// Both chains.
    pub const ALL: [CardChain; 2] = [CardChain::Receive, CardChain::Change];
}

/// What a card and its host said while its key was made (`docs/protocol.md` §3).
pub struct Issue {
    /// The card's network.
    pub network: Network,
    /// The card's commitment `C`, compressed.
    pub commitment: [u8; 33],
    /// The host's share `h`.
    pub host_share: [u8; 32],
    /// The account key `P`, compressed, as ISSUE answered it.
    pub account_key: [u8; 33],
    /// The chain code, as ISSUE answered it.
    pub chain_code: [u8; 32],
    /// The leaf that the card was given.
    pub leaf: Leaf,
}

/// A card's account. It is public to the owner; whoever else learns it sees the card's payments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardAccount {
    network: Network,
    account_key: PublicKey,
    chain_code: ChainCode,
    leaf: Leaf,
}

impl CardAccount {
    /// An account from its parts.
    pub fn new(network: Network, account_key: PublicKey, chain_code: [u8; 32], leaf: Leaf) -> Self {
        Self {
            network,
            account_key,
            chain_code: ChainCode::from(chain_code),
            leaf,
        }
    }

    /// The account of a card just issued, after checking that the card used the host's share:
    /// `P = C + h·G`, and the chain code is `TH("Tillcard/chaincode", C ‖ h)`. So the card alone
    /// couldn't choose its key, and neither could someone who chose the card's randomness.
    ///
    /// # Errors
    /// [`AccountError::ShareNotUsed`] when it didn't, [`AccountError::Key`] when `C` or `P` isn't a
    /// point or `h` isn't below the group's order.
    pub fn from_issue(issue: &Issue) -> Result<Self, AccountError> {
        let key = |error: bitcoin::secp256k1::Error| AccountError::Key(error.to_string());
        let account_key = PublicKey::from_slice(&issue.account_key).map_err(key)?;
        let expected = Self::of_shares(
            issue.network,
            &issue.commitment,
            &issue.host_share,
            issue.leaf,
        )?;
        if expected.account_key != account_key {
            return Err(AccountError::ShareNotUsed("another account key"));
        }
        if expected.chain_code() != issue.chain_code {
            return Err(AccountError::ShareNotUsed("another chain code"));
        }
        Ok(expected)
    }

    /// The account that a card must have after this commitment and this host share.
    ///
    /// # Errors
    /// [`AccountError::Key`] when the commitment isn't a point or the share isn't below the group's
    /// order.
    pub fn of_shares(
        network: Network,
        commitment: &[u8; 33],
        host_share: &[u8; 32],
        leaf: Leaf,
    ) -> Result<Self, AccountError> {
        let key = |error: bitcoin::secp256k1::Error| AccountError::Key(error.to_string());
        let share = Scalar::from_be_bytes(*host_share)
            .map_err(|error| AccountError::Key(error.to_string()))?;
        let account_key = PublicKey::from_slice(commitment)
            .and_then(|point| point.add_exp_tweak(&VERIFIER, &share))
            .map_err(key)?;
        let chain_code = tagged_hash("Tillcard/chaincode", &[commitment, host_share]);
        Ok(Self::new(network, account_key, chain_code, leaf))
    }

    /// A random host share for ISSUE, below the group's order.
    ///
    /// # Errors
    /// [`AccountError::NoRandomness`] when the operating system gives no random bytes.
    pub fn new_host_share() -> Result<[u8; 32], AccountError> {
        loop {
            let mut share = [0u8; 32];
            getrandom::fill(&mut share).map_err(|_| AccountError::NoRandomness)?;
            if SecretKey::from_slice(&share).is_ok() {
                return Ok(share);
            }
        }
    }

    /// The card's network.
    pub fn network(&self) -> Network {
        self.network
    }

    /// The account's public key.
    pub fn account_key(&self) -> PublicKey {
        self.account_key
    }

    /// The account's chain code.
    pub fn chain_code(&self) -> [u8; 32] {
        self.chain_code.to_bytes()
    }

    /// The primary wallet's way to the coins.
    pub fn leaf(&self) -> Leaf {
        self.leaf
    }

    /// The card id that owner commands are signed over: the first 16 bytes of
    /// `TH("Tillcard/card-id", P ‖ chain code)`.
    pub fn card_id(&self) -> [u8; 16] {
        let hash = tagged_hash(
            "Tillcard/card-id",
            &[&self.account_key.serialize(), self.chain_code.as_ref()],
        );
        let mut id = [0; 16];
        id.copy_from_slice(&hash[..16]);
        id
    }

    /// The extended public key that the descriptor begins with.
    pub fn xpub(&self) -> Xpub {
        Xpub {
            network: NetworkKind::from(self.network),
            depth: 0,
            parent_fingerprint: Fingerprint::default(),
            child_number: ChildNumber::Normal { index: 0 },
            public_key: self.account_key,
            chain_code: self.chain_code,
        }
    }

    /// `tr(CARD/<0;1>/*,LEAF)`, without a checksum.
    pub fn descriptor(&self) -> String {
        format!("tr({}/<0;1>/*{})", self.xpub(), self.leaf)
    }

    /// The script (scriptPubKey) at an index.
    ///
    /// # Errors
    /// [`AccountError::Key`] when the index is 2^31 or more.
    pub fn script(&self, chain: CardChain, index: u32) -> Result<ScriptBuf, AccountError> {
        Ok(ScriptBuf::new_p2tr_tweaked(
            self.spend_info(chain, index)?.output_key(),
        ))
    }

    /// The address at an index.
    ///
    /// # Errors
    /// As [`Self::script`].
    pub fn address(&self, chain: CardChain, index: u32) -> Result<Address, AccountError> {
        let output_key = self.spend_info(chain, index)?.output_key();
        Ok(Address::p2tr_tweaked(output_key, self.network))
    }

    /// What spends the coin at an index by script path, besides the signature.
    ///
    /// # Errors
    /// [`AccountError::Key`] when there is no leaf, or the index is 2^31 or more.
    pub fn control_block(
        &self,
        chain: CardChain,
        index: u32,
    ) -> Result<ControlBlock, AccountError> {
        self.leaf
            .script()
            .and_then(|script| Some((self.spend_info(chain, index).ok()?, script)))
            .and_then(|(info, script)| info.control_block(&(script, LeafVersion::TapScript)))
            .ok_or_else(|| AccountError::Key("there is no leaf by which to spend".into()))
    }

    /// How the coin at an index can be spent.
    ///
    /// # Errors
    /// [`AccountError::Key`] when the index is 2^31 or more.
    pub fn spend_info(
        &self,
        chain: CardChain,
        index: u32,
    ) -> Result<TaprootSpendInfo, AccountError> {
        let key_error = |error: bitcoin::bip32::Error| AccountError::Key(error.to_string());
        let path = [
            ChildNumber::Normal {
                index: chain as u32,
            },
            ChildNumber::from_normal_idx(index).map_err(key_error)?,
        ];
        let child = self
            .xpub()
            .derive_pub(&VERIFIER, &path)
            .map_err(key_error)?;
        let Some(script) = self.leaf.script() else {
            let internal_key = child.to_x_only_pub();
            return Ok(TaprootSpendInfo::new_key_spend(
                &VERIFIER,
                internal_key,
                None,
            ));
        };
        TaprootBuilder::with_capacity(1)
            .add_leaf(0, script)
            .map_err(|error| AccountError::Key(error.to_string()))?
            .finalize(&VERIFIER, child.to_x_only_pub())
            .map_err(|_| AccountError::Key("the script tree isn't complete".into()))
    }
}

impl fmt::Display for CardAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.descriptor())
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use bitcoin::key::Secp256k1;
    use miniscript::{Descriptor, DescriptorPublicKey};

    use super::*;

    /// What a card does with a secret of 32 times `secret` and the share `h`.
    fn issue(secret: u8, host_share: [u8; 32]) -> Issue {
        let secp = Secp256k1::new();
        let c = SecretKey::from_slice(&[secret; 32]).unwrap();
        let commitment = c.public_key(&secp).serialize();
        let share = Scalar::from_be_bytes(host_share).unwrap();
        let account = c.add_tweak(&share).unwrap();
        let leaf = SecretKey::from_slice(&[0x77; 32]).unwrap();
        Issue {
            network: Network::Regtest,
            commitment,
            host_share,
            account_key: account.public_key(&secp).serialize(),
            chain_code: tagged_hash("Tillcard/chaincode", &[&commitment, &host_share]),
            leaf: Leaf::with_delay(leaf.x_only_public_key(&secp).0, 0),
        }
    }

    /// Every kind of leaf, and delays on both sides of each step in the script's form.
    fn leaves() -> Vec<Leaf> {
        let key = issue(1, [2; 32]).leaf.key().unwrap();
        let delays = [
            0, 1, 16, 17, 127, 128, 144, 255, 256, 32_767, 32_768, 65_535,
        ];
        let mut leaves: Vec<Leaf> = delays.map(|n| Leaf::with_delay(key, n)).to_vec();
        leaves.push(Leaf::None);
        leaves
    }

    #[test]
    fn a_card_that_used_our_share_is_taken() {
        let issue = issue(1, CardAccount::new_host_share().unwrap());
        let account = CardAccount::from_issue(&issue).unwrap();
        assert_eq!(account.account_key().serialize(), issue.account_key);
        assert_eq!(account.chain_code(), issue.chain_code);
    }

    #[test]
    fn a_card_that_did_not_is_refused() {
        let honest = || issue(1, [2; 32]);
        let complaint = |issue: &Issue| CardAccount::from_issue(issue).unwrap_err().to_string();

        let mut own_key = honest();
        own_key.account_key = issue(3, [2; 32]).account_key;
        assert!(complaint(&own_key).contains("another account key"));
        let mut own_code = honest();
        own_code.chain_code[31] ^= 1;
        assert!(complaint(&own_code).contains("another chain code"));
        let mut late_commitment = honest();
        late_commitment.commitment = late_commitment.account_key;
        assert!(complaint(&late_commitment).contains("another account key"));
        let mut no_point = honest();
        no_point.account_key = [0xff; 33];
        assert!(complaint(&no_point).contains("can't be used"));
        let mut no_scalar = honest();
        no_scalar.host_share = [0xff; 32];
        assert!(complaint(&no_scalar).contains("can't be used"));
    }

    #[test]
    fn the_scripts_are_those_of_the_descriptor() {
        for (network, leaf) in [Network::Bitcoin, Network::Regtest]
            .into_iter()
            .flat_map(|network| leaves().into_iter().map(move |leaf| (network, leaf)))
        {
            let mut issue = issue(5, [6; 32]);
            issue.network = network;
            issue.leaf = leaf;
            let account = CardAccount::from_issue(&issue).unwrap();
            let descriptor =
                Descriptor::<DescriptorPublicKey>::from_str(&account.descriptor()).unwrap();
            let chains = descriptor.into_single_descriptors().unwrap();
            for (chain, descriptor) in CardChain::ALL.into_iter().zip(chains) {
                for index in [0, 1, 19, 4095] {
                    let derived = descriptor.at_derivation_index(index).unwrap();
                    assert_eq!(
                        account.script(chain, index).unwrap(),
                        derived.script_pubkey()
                    );
                    assert_eq!(
                        account.address(chain, index).unwrap(),
                        derived.address(network).unwrap()
                    );
                }
            }
            assert!(account.script(CardChain::Receive, 1 << 31).is_err());
        }
    }

    #[test]
    fn the_control_block_proves_the_leaf() {
        for leaf in leaves() {
            let mut issue = issue(5, [6; 32]);
            issue.leaf = leaf;
            let account = CardAccount::from_issue(&issue).unwrap();
            let control = account.control_block(CardChain::Change, 7);
            let Some(script) = leaf.script() else {
                assert!(control.is_err());
                continue;
            };
            let control = control.unwrap();
            assert_eq!(control.size(), 33);
            let output_key = account
                .spend_info(CardChain::Change, 7)
                .unwrap()
                .output_key();
            assert!(control.verify_taproot_commitment(
                &VERIFIER,
                output_key.to_x_only_public_key(),
                &script
            ));
        }
    }
}
