//! Blocks for the regtest chain, built as Bitcoin Core's miner builds them.

use bitcoin::absolute::LockTime;
use bitcoin::block::{Header, Version};
use bitcoin::hashes::Hash;
use bitcoin::script::{Builder, PushBytesBuf};
use bitcoin::transaction;
use bitcoin::{
    Amount, Block, BlockHash, CompactTarget, OutPoint, ScriptBuf, Sequence, Target, Transaction,
    TxIn, TxMerkleNode, TxOut, Witness, WitnessMerkleNode,
};

/// Difficulty of regtest: every second hash will do (Bitcoin Core's `CRegTestParams`).
const BITS: u32 = 0x207f_ffff;
/// Blocks between halvings on regtest.
const HALVING_INTERVAL: u32 = 150;
const INITIAL_SUBSIDY: u64 = 50 * 100_000_000;
/// BIP141: what the coinbase's witness commits with; all zero here as in Bitcoin Core.
const WITNESS_RESERVED_VALUE: [u8; 32] = [0; 32];
/// BIP141: begins the output script of the witness commitment, after OP_RETURN and a push of 36.
const COMMITMENT_HEADER: [u8; 4] = [0xaa, 0x21, 0xa9, 0xed];

/// What a new block stands on and holds.
#[derive(Clone)]
pub(super) struct BlockTemplate {
    pub(super) previous: BlockHash,
    pub(super) height: u32,
    /// Seconds since 1970.
    pub(super) time: u32,
    /// Who gets subsidy and fees.
    pub(super) pay_to: ScriptBuf,
    /// Sum of the fees of `transactions`.
    pub(super) fees: Amount,
    /// All but the coinbase, parents before children.
    pub(super) transactions: Vec<Transaction>,
}

impl BlockTemplate {
    /// Builds the block and finds its nonce.
    pub(super) fn build(self) -> Block {
        let coinbase = self.coinbase();
        let mut txdata = vec![coinbase];
        txdata.extend(self.transactions);
        let mut block = Block {
            header: Header {
                version: Version::from_consensus(0x2000_0000),
                prev_blockhash: self.previous,
                merkle_root: TxMerkleNode::all_zeros(),
                time: self.time,
                bits: CompactTarget::from_consensus(BITS),
                nonce: 0,
            },
            txdata,
        };
        if let Some(commitment) = witness_commitment(&block) {
            block.txdata[0].output.push(TxOut {
                value: Amount::ZERO,
                script_pubkey: commitment,
            });
        }
        if let Some(root) = block.compute_merkle_root() {
            block.header.merkle_root = root;
        }
        let target = Target::from_compact(block.header.bits);
        while !target.is_met_by(block.header.block_hash()) {
            block.header.nonce += 1;
        }
        block
    }

    fn coinbase(&self) -> Transaction {
        let subsidy = INITIAL_SUBSIDY
            .checked_shr(self.height / HALVING_INTERVAL)
            .unwrap_or(0);
        Transaction {
            version: transaction::Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![TxIn {
                previous_output: OutPoint::null(),
                // BIP34's height, and a zero, since a coinbase script has two bytes at least.
                script_sig: Builder::new()
                    .push_int(i64::from(self.height))
                    .push_int(0)
                    .into_script(),
                sequence: Sequence::MAX,
                witness: Witness::from_slice(&[WITNESS_RESERVED_VALUE]),
            }],
            output: vec![TxOut {
                value: Amount::from_sat(subsidy) + self.fees,
                script_pubkey: self.pay_to.clone(),
            }],
        }
    }
}

/// BIP141's commitment to the witnesses of all transactions.
fn witness_commitment(block: &Block) -> Option<ScriptBuf> {
    let root: WitnessMerkleNode = block.witness_root()?;
    let commitment = Block::compute_witness_commitment(&root, &WITNESS_RESERVED_VALUE);
    let mut data = PushBytesBuf::new();
    data.extend_from_slice(&COMMITMENT_HEADER).ok()?;
    data.extend_from_slice(commitment.as_byte_array()).ok()?;
    Some(ScriptBuf::new_op_return(data))
}
