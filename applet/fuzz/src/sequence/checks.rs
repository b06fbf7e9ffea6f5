//! What must be so when a signature leaves the card.

use super::super::bytes::Bytes;
use super::{Deed, Run};
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::ecdsa::{Signature, VerifyingKey};
use tillcard_protocol::command::{AskStatement, GenuineProof, Outpoint, Statement};
use tillcard_protocol::proof::{Genuine, StatementFacts};
use tillcard_runtime::journal::RECORD_MAX;
use tillcard_testkit::host::double_sha256;

impl Run {
    /// A signature of a payment leaves when log, coins and counters say so, and
    /// the memory, looked at anew, does too.
    pub fn check_payment(&self, transaction: &[u8]) -> [u8; 32] {
        let stripped = strip(transaction);
        let txid = double_sha256(&stripped);
        let mut memory = self.memory();
        let counters = memory.counters().expect("counters");
        let payment_number = memory
            .find_entry(&counters, |entry| entry.txid == txid)
            .expect("the log reads")
            .expect("a payment is in the log");
        let mut buffer = [0; RECORD_MAX];
        let entry = memory
            .log_entry(payment_number, &mut buffer)
            .expect("an entry");
        let mut sum = 0;
        for slot in entry.inputs.clone() {
            let coin = memory
                .coin(slot, counters.log_first)
                .expect("the table reads");
            let coin = coin.expect("a coin that was spent is kept");
            assert_eq!(coin.spent, Some(payment_number));
            assert!(memory.is_retired(coin.place).expect("the marks read"));
            sum += coin.amount;
        }
        let change = entry.change.map_or(0, |change| change.amount);
        assert_eq!(sum, entry.amount + entry.fee + change);
        if payment_number >= counters.counted_from
            && !memory
                .record_state(payment_number)
                .expect("marks")
                .cancelled
        {
            assert!(counters.debited >= entry.amount + entry.fee);
            assert!(counters.payments > 0);
        }
        txid
    }

    /// A statement leaves when the payment's places are pledged, and the owner has
    /// signed for none of its inputs (`[STM-1]` to `[STM-3]`).
    pub fn check_statement(&mut self, data: &[u8], answer: &[u8]) {
        let nonce = data[2..34].try_into().expect("a nonce");
        let txid = data[36..68].try_into().expect("a txid");
        assert!(self.policy.statements);
        let statement = Statement::parse(answer).expect("a statement");
        let mut memory = self.memory();
        let counters = memory.counters().expect("counters");
        let payment_number = memory
            .find_entry(&counters, |entry| entry.txid == txid)
            .expect("the log reads")
            .expect("a payment is in the log");
        assert!(
            !memory
                .record_state(payment_number)
                .expect("marks")
                .cancelled
        );
        let mut buffer = [0; RECORD_MAX];
        let inputs = memory
            .log_entry(payment_number, &mut buffer)
            .expect("an entry")
            .inputs
            .clone();
        let mut outpoints = Vec::new();
        for slot in inputs {
            let coin = memory
                .coin(slot, counters.log_first)
                .expect("the table reads");
            let coin = coin.expect("a coin that was spent is kept");
            assert_eq!(memory.is_pledged(coin.place), Ok(true));
            assert!(!self.contested.contains(&coin.outpoint()));
            outpoints.extend(coin.outpoint().to_bytes());
            self.pledged.push(coin.place);
        }
        assert_eq!(statement.outpoints, outpoints);
        assert!(!outpoints.is_empty() && outpoints.len() % Outpoint::LENGTH == 0);
        let digest = StatementFacts {
            session: &self.link.session(),
            nonce: &nonce,
            txid: &txid,
            network: statement.network,
            provenance: statement.provenance,
            leaf: &statement.leaf,
            outpoints: &outpoints,
            output_keys: statement.output_keys,
            salt: &statement.salt,
        }
        .digest();
        self.assert_identity(&digest, &statement.signature);
    }

    /// STATEMENT for the last payment.
    pub fn last_statement(&self) -> Option<Vec<u8>> {
        let txid = *self.txids.last()?;
        let ask = AskStatement {
            nonce: [0x5A; 32],
            txid,
        };
        Some(ask.to_apdu().as_bytes().to_vec())
    }

    /// A proof is this card's, for this session (`[GEN-1]`).
    pub fn check_genuine(&mut self, data: &[u8], answer: &[u8]) {
        let proof = GenuineProof::parse(answer).expect("a proof");
        let digest = Genuine {
            session: &self.link.session(),
            challenge: data.try_into().expect("a challenge"),
            salt: &proof.salt,
        }
        .digest();
        self.assert_identity(&digest, &proof.signature);
        self.did(Deed::Proof);
    }

    fn assert_identity(&self, digest: &[u8; 32], signature: &[u8; 64]) {
        let key = VerifyingKey::from_sec1_bytes(&self.card_keys.identity_key).expect("a key");
        let signature = Signature::from_slice(signature).expect("a signature");
        assert!(key.verify_prehash(digest, &signature).is_ok());
    }
}

/// A transaction without marker, flag and witness. It came from the card, which
/// writes counts of one byte.
fn strip(transaction: &[u8]) -> Vec<u8> {
    let mut bytes = Bytes::new(transaction);
    let mut stripped = bytes.take(4).to_vec();
    assert_eq!(bytes.take(2), [0, 1]);
    let inputs = bytes.u8();
    stripped.push(inputs);
    stripped.extend_from_slice(bytes.take(41 * usize::from(inputs)));
    let outputs = bytes.u8();
    stripped.push(outputs);
    for _ in 0..outputs {
        stripped.extend_from_slice(bytes.take(8));
        let length = bytes.u8();
        stripped.push(length);
        stripped.extend_from_slice(bytes.take(length.into()));
    }
    for _ in 0..inputs {
        assert_eq!(bytes.take(2), [1, 64]);
        assert_eq!(bytes.take(64).len(), 64);
    }
    stripped.extend_from_slice(bytes.take(4));
    assert!(bytes.is_empty());
    stripped
}
