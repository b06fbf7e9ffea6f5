//! Payments and signatures to their last byte.

use bitcoin::bip32::{ChildNumber, DerivationPath, Xpriv};
use bitcoin::consensus::deserialize;
use bitcoin::key::{Keypair, TapTweak};
use bitcoin::secp256k1::{Message, Secp256k1};
use bitcoin::sighash::{Prevouts, SighashCache, TapSighashType};
use bitcoin::{Network, Transaction};
use tillcard_testkit::oracle::payment::Written;

/// BIP86's test vector: the account `m/86'/0'/0'` of the words "abandon abandon
/// … about".
pub(super) fn account() -> Xpriv {
    let seed = "5eb00bbddcf069084889a8ab9155568165f5c453ccb85e70811aaed6f6da5fc1\
                9a5ac40b389cd370d086206dec8aa6c43daea6690f20ad3d8d48b2d2ce9e38e4";
    let root = Xpriv::new_master(Network::Bitcoin, &hex::decode(seed).unwrap()).unwrap();
    let path: DerivationPath = "86h/0h/0h".parse().unwrap();
    root.derive_priv(&Secp256k1::new(), &path).unwrap()
}

/// Checks a payment to the last byte of its signatures, of inputs at these
/// places, with auxiliary randomness of these bytes.
pub(super) fn check_exactly(written: &Written, bytes: &[u8], places: &[(u32, u32)], drawn: u8) {
    let signed: Transaction = deserialize(bytes).unwrap();
    let mut expected = written.transaction.clone();
    for (input, place) in places.iter().enumerate() {
        let signature = signature_with(written, input, *place, drawn);
        expected.input[input].witness.push(signature);
    }
    assert_eq!(signed, expected);
}

/// BIP340's signature with auxiliary randomness of this byte, by libsecp256k1.
pub(super) fn signature_with(
    written: &Written,
    input: usize,
    (chain, index): (u32, u32),
    aux: u8,
) -> Vec<u8> {
    let secp = Secp256k1::new();
    let path = [chain, index].map(|i| ChildNumber::from_normal_idx(i).unwrap());
    let child = account().derive_priv(&secp, &path).unwrap();
    let pair = Keypair::from_secret_key(&secp, &child.private_key);
    let pair = pair.tap_tweak(&secp, None).to_keypair();
    let sighash = SighashCache::new(&written.transaction)
        .taproot_key_spend_signature_hash(
            input,
            &Prevouts::All(&written.spent),
            TapSighashType::Default,
        )
        .unwrap();
    let signature = secp.sign_schnorr_with_aux_rand(&Message::from(sighash), &pair, &[aux; 32]);
    signature.serialize().to_vec()
}
