//! Partially signed transactions (BIP174, BIP371) that other wallets built of a card's coins.

use std::collections::HashMap;

use bitcoin::bip32::ChildNumber;
use bitcoin::{Psbt, ScriptBuf, TapSighashType, TxOut};

use super::{OwnerError, PsbtFile, Visit};

use tillcard_client::account::{CardAccount, CardChain};
use tillcard_client::card::{Derivation, ImageHeader, SigningOrder};
use tillcard_client::transport::Transport;

/// Indexes of a chain that a card knows (`docs/protocol.md` §3).
const INDEXES: u32 = 4096;
/// Indexes above the next one that a card pays to itself (`docs/protocol.md` §8.4).
const RECEIVE_AHEAD: u32 = 10;
const CHANGE_AHEAD: u32 = 20;

/// What a card is to sign so that `psbt` is complete: all of its inputs must be the card's. Their
/// places come from the PSBT's key origins, or are looked for among the card's scripts. `header`
/// says what the card has given out.
///
/// # Errors
/// [`OwnerError::Psbt`] says what a card can't sign in it.
pub fn plan_psbt(
    psbt: &Psbt,
    account: &CardAccount,
    header: &ImageHeader,
) -> Result<SigningOrder, OwnerError> {
    let mut book = PlaceBook::new(account);
    let mut coins = Vec::with_capacity(psbt.inputs.len());
    for (number, input) in psbt.inputs.iter().enumerate() {
        let wrong = |what: &str| OwnerError::Psbt(format!("input {number} {what}"));
        let coin = spent_output(psbt, number)
            .ok_or_else(|| wrong("doesn't say which coin it spends (its UTXO is missing)"))?;
        let default = TapSighashType::Default.into();
        if input.sighash_type.is_some_and(|kind| kind != default) {
            return Err(wrong("asks for another hash type than SIGHASH_DEFAULT"));
        }
        let hint = input.tap_key_origins.values().find_map(place_of);
        let place = book
            .find(&coin.script_pubkey, hint, [INDEXES, INDEXES])?
            .ok_or_else(|| {
                wrong("isn't the card's: it signs only what spends its own coins alone")
            })?;
        coins.push((coin, place));
    }
    // The card takes only those outputs for its own that it will find again.
    let bounds = [
        header.next_receive.saturating_add(RECEIVE_AHEAD),
        header.next_change.saturating_add(CHANGE_AHEAD),
    ]
    .map(|bound| bound.min(INDEXES));
    let mut payees = Vec::with_capacity(psbt.outputs.len());
    for (output, meant) in psbt.outputs.iter().zip(&psbt.unsigned_tx.output) {
        let hint = output.tap_key_origins.values().find_map(place_of);
        payees.push(book.find(&meant.script_pubkey, hint, bounds)?);
    }
    let order = SigningOrder {
        transaction: psbt.unsigned_tx.clone(),
        coins,
        payees,
    };
    match order.fee() {
        Some(_) => Ok(order),
        None => Err(OwnerError::Psbt("it pays out more than it takes in".into())),
    }
}

impl<T: Transport> Visit<T> {
    /// What the card is to sign in this PSBT, to be shown to the owner first.
    ///
    /// # Errors
    /// [`OwnerError::Psbt`], and as [`Self::contents`].
    pub fn plan_psbt(&mut self, psbt: &PsbtFile) -> Result<SigningOrder, OwnerError> {
        let header = self.contents()?.header;
        plan_psbt(&psbt.to_v0()?, &self.record.account, &header)
    }

    /// Has the card sign what was planned, and puts the signatures into the PSBT. The card takes the
    /// coins for spent from then on; it is let go.
    ///
    /// # Errors
    /// Those of the card.
    pub fn sign_psbt(
        mut self,
        psbt: &mut PsbtFile,
        order: &SigningOrder,
    ) -> Result<(), OwnerError> {
        let signed = self.card.sign(order);
        let signatures = signed.map_err(OwnerError::signing)?;
        self.close()?;
        psbt.put_signatures(&signatures);
        Ok(())
    }
}

fn spent_output(psbt: &Psbt, number: usize) -> Option<TxOut> {
    let (input, spends) = (
        psbt.inputs.get(number)?,
        psbt.unsigned_tx.input.get(number)?,
    );
    let outpoint = spends.previous_output;
    match (&input.witness_utxo, &input.non_witness_utxo) {
        (Some(output), _) => Some(output.clone()),
        (None, Some(before)) if before.compute_txid() == outpoint.txid => {
            before.output.get(outpoint.vout as usize).cloned()
        }
        _ => None,
    }
}

/// The place that a key's origin speaks of, should the key be the card's.
fn place_of(
    (_, (_, path)): &(Vec<bitcoin::TapLeafHash>, bitcoin::bip32::KeySource),
) -> Option<Derivation> {
    let steps: &[ChildNumber] = path.as_ref();
    let [
        ..,
        ChildNumber::Normal { index: chain },
        ChildNumber::Normal { index },
    ] = *steps
    else {
        return None;
    };
    let chain = *CardChain::ALL.get(usize::try_from(chain).ok()?)?;
    Some(Derivation { chain, index })
}

/// The card's scripts, made as far as they are looked for.
struct PlaceBook<'a> {
    account: &'a CardAccount,
    places: HashMap<ScriptBuf, Derivation>,
    made: u32,
}

impl<'a> PlaceBook<'a> {
    fn new(account: &'a CardAccount) -> Self {
        Self {
            account,
            places: HashMap::new(),
            made: 0,
        }
    }

    /// The place of a script of the card's, below these bounds on the receive and change chains.
    fn find(
        &mut self,
        script: &ScriptBuf,
        hint: Option<Derivation>,
        bounds: [u32; 2],
    ) -> Result<Option<Derivation>, OwnerError> {
        let within = |place: &Derivation| place.index < bounds[place.chain as usize];
        if let Some(place) = hint.filter(within)
            && self.account.script(place.chain, place.index)? == *script
        {
            return Ok(Some(place));
        }
        if !script.is_p2tr() {
            return Ok(None);
        }
        let highest = bounds[0].max(bounds[1]);
        while self.made < highest && !self.places.contains_key(script) {
            for chain in CardChain::ALL {
                let index = self.made;
                let made = self.account.script(chain, index)?;
                self.places.insert(made, Derivation { chain, index });
            }
            self.made += 1;
        }
        Ok(self.places.get(script).copied().filter(within))
    }
}
