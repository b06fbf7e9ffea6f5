//! A faucet on a regtest node of the tester's: it mines, and pays from what it mined.

use std::collections::VecDeque;
use std::time::Duration;

use bitcoin::absolute::LockTime;
use bitcoin::consensus::encode::{deserialize_hex, serialize_hex};
use bitcoin::hashes::Hash;
use bitcoin::key::Secp256k1;
use bitcoin::secp256k1::{All, Message, SecretKey};
use bitcoin::sighash::{EcdsaSighashType, SighashCache};
use bitcoin::transaction::Version;
use bitcoin::{
    Address, Amount, Block, CompressedPublicKey, KnownHrp, OutPoint, ScriptBuf, Sequence,
    Transaction, TxIn, TxOut, Witness,
};
use jsonrpc::client::Client;
use jsonrpc::http::bitreq_http::Builder;
use serde::de::DeserializeOwned;
use serde_json::{Value, json, value::to_raw_value};
use tillcard_protocol::hash::tagged_hash;

use crate::{Funding, OwnerError};

/// Blocks after which a block's reward can be spent.
const MATURITY: u64 = 100;

/// How many old blocks are looked through for rewards of ours, and how many of those are enough.
const LOOKED_THROUGH: u64 = 1_000;
const REWARDS: usize = 10;

/// What a faucet pays for the space in a block, in sat/vB.
const FEE_RATE: u64 = 2;

/// How long a node may take for one question.
const PATIENCE: Duration = Duration::from_secs(60);

/// Smaller change isn't worth an output.
const DUST: Amount = Amount::from_sat(1_000);

/// A faucet. Its key is the same on every chain, so that a later one finds what an earlier one mined.
pub struct Faucet {
    client: Client,
    secp: Secp256k1<All>,
    key: SecretKey,
    address: Address,
    script: ScriptBuf,
    coins: VecDeque<(OutPoint, TxOut)>,
}

impl Faucet {
    /// A faucet on the regtest node at `core:http://HOST:PORT?cookie=PATH` or
    /// `core:http://USER:PASSWORD@HOST:PORT`.
    ///
    /// # Errors
    /// [`OwnerError::Chain`] when nobody answers there, or it isn't a regtest node.
    pub fn open(source: &str) -> Result<Self, OwnerError> {
        let (url, credentials) = parse(source)?;
        let transport = Builder::new()
            .url(&url)
            .map_err(|error| OwnerError::Chain(error.to_string()))?
            .timeout(PATIENCE)
            .cookie_auth(credentials)
            .build();
        let secp = Secp256k1::new();
        let key = SecretKey::from_slice(&tagged_hash("Tillcard/test-faucet", &[]))
            .expect("a hash that is a key");
        let public = CompressedPublicKey(key.public_key(&secp));
        let address = Address::p2wpkh(&public, KnownHrp::Regtest);
        let mut faucet = Self {
            client: Client::with_transport(transport),
            script: address.script_pubkey(),
            address,
            secp,
            key,
            coins: VecDeque::new(),
        };
        let info: Value = faucet.ask("getblockchaininfo", &[])?;
        if info["chain"] != "regtest" {
            let chain = &info["chain"];
            let what = format!("it is {chain}; a faucet is on regtest alone");
            return Err(OwnerError::Chain(what));
        }
        faucet.find_rewards(info["blocks"].as_u64().unwrap_or(0))?;
        Ok(faucet)
    }

    /// Rewards of blocks that an earlier faucet mined, and that can be spent by now.
    fn find_rewards(&mut self, height: u64) -> Result<(), OwnerError> {
        let last = height.saturating_sub(MATURITY);
        for height in last.saturating_sub(LOOKED_THROUGH) + 1..=last {
            let hash: String = self.ask("getblockhash", &[json!(height)])?;
            let coinbase = self.coinbase(&hash)?;
            let output = coinbase.output[0].clone();
            if output.script_pubkey == self.script {
                let outpoint = OutPoint::new(coinbase.compute_txid(), 0);
                let spendable: Value = self.ask(
                    "gettxout",
                    &[json!(outpoint.txid.to_string()), json!(0), json!(true)],
                )?;
                if !spendable.is_null() {
                    self.coins.push_back((outpoint, output));
                }
                if self.coins.len() == REWARDS {
                    break;
                }
            }
        }
        Ok(())
    }

    fn coinbase(&self, block: &str) -> Result<Transaction, OwnerError> {
        let block: String = self.ask("getblock", &[json!(block), json!(0)])?;
        let block: Block =
            deserialize_hex(&block).map_err(|error| OwnerError::Chain(error.to_string()))?;
        let coinbase = block.txdata.into_iter().next();
        coinbase.ok_or_else(|| OwnerError::Chain("a block without a transaction".into()))
    }

    fn mine(&self, blocks: u64) -> Result<Vec<String>, OwnerError> {
        let address = self.address.to_string();
        self.ask("generatetoaddress", &[json!(blocks), json!(address)])
    }

    /// A coin of ours that is worth more than this; mines until there is one.
    fn take_coin(&mut self, wanted: Amount) -> Result<(OutPoint, TxOut), OwnerError> {
        let enough = |(_, output): &(OutPoint, TxOut)| output.value > wanted;
        if let Some(at) = self.coins.iter().position(enough) {
            let coin = self.coins.remove(at);
            return Ok(coin.expect("the position that was found"));
        }
        let mined = self.mine(MATURITY + 1)?;
        let first = mined.first().map(String::as_str).unwrap_or_default();
        let coinbase = self.coinbase(first)?;
        let coin = (
            OutPoint::new(coinbase.compute_txid(), 0),
            coinbase.output[0].clone(),
        );
        match enough(&coin) {
            true => Ok(coin),
            false => Err(OwnerError::Chain(format!(
                "a block's reward is {} by now, and {wanted} is wanted: begin a new chain",
                coin.1.value
            ))),
        }
    }

    /// A signed transaction that pays these outputs first.
    fn write(&self, coin: &(OutPoint, TxOut), wanted: &[TxOut]) -> Result<Transaction, OwnerError> {
        let (outpoint, spent) = coin;
        // Outputs of at most 43 bytes, an input of 68 and a frame of 11 vB (BIP141).
        let size = 11 + 68 + 43 * (wanted.len() as u64 + 1);
        let paid: Amount = wanted.iter().map(|output| output.value).sum();
        let left = spent
            .value
            .checked_sub(paid + Amount::from_sat(FEE_RATE * size));
        let mut output = wanted.to_vec();
        output.extend(left.filter(|left| *left > DUST).map(|value| TxOut {
            value,
            script_pubkey: self.script.clone(),
        }));
        let mut transaction = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![TxIn {
                previous_output: *outpoint,
                script_sig: ScriptBuf::new(),
                sequence: Sequence::MAX,
                witness: Witness::new(),
            }],
            output,
        };
        let kind = EcdsaSighashType::All;
        let hash = SighashCache::new(&transaction)
            .p2wpkh_signature_hash(0, &self.script, spent.value, kind)
            .map_err(|error| OwnerError::Chain(error.to_string()))?;
        let message = Message::from_digest(hash.to_byte_array());
        let signature = bitcoin::ecdsa::Signature {
            signature: self.secp.sign_ecdsa(&message, &self.key),
            sighash_type: kind,
        };
        let public = self.key.public_key(&self.secp);
        transaction.input[0].witness = Witness::p2wpkh(&signature, &public);
        Ok(transaction)
    }

    fn ask<T: DeserializeOwned>(&self, method: &str, args: &[Value]) -> Result<T, OwnerError> {
        let failed = |error: String| OwnerError::Chain(format!("{method}: {error}"));
        let args = to_raw_value(args).map_err(|error| failed(error.to_string()))?;
        let request = self.client.build_request(method, Some(&args));
        let response = self.client.send_request(request);
        let response = response.map_err(|error| failed(error.to_string()))?;
        response.result().map_err(|error| failed(error.to_string()))
    }
}

impl Funding for Faucet {
    fn fund(&mut self, wanted: &[TxOut]) -> Result<Vec<(Transaction, u32)>, OwnerError> {
        let paid: Amount = wanted.iter().map(|output| output.value).sum();
        let fee = Amount::from_sat(FEE_RATE * (79 + 43 * (wanted.len() as u64 + 1)));
        loop {
            let coin = self.take_coin(paid + fee)?;
            let transaction = self.write(&coin, wanted)?;
            match self.ask::<String>("sendrawtransaction", &[json!(serialize_hex(&transaction))]) {
                Ok(_) => {}
                // Another faucet with the same key had this coin first.
                Err(_) if !self.coins.is_empty() => continue,
                Err(error) => return Err(error),
            }
            self.mine(1)?;
            let txid = transaction.compute_txid();
            if let Some(change) = transaction.output.get(wanted.len()) {
                let outpoint = OutPoint::new(txid, wanted.len() as u32);
                self.coins.push_back((outpoint, change.clone()));
            }
            let outputs = (0..).zip(wanted);
            return Ok(outputs
                .map(|(vout, _)| (transaction.clone(), vout))
                .collect());
        }
    }

    fn send(&mut self, transaction: &Transaction) -> Result<(), OwnerError> {
        let _: String = self.ask("sendrawtransaction", &[json!(serialize_hex(transaction))])?;
        self.mine(1).map(drop)
    }
}

/// The URL without credentials, and `USER:PASSWORD`.
fn parse(source: &str) -> Result<(String, String), OwnerError> {
    let form = || {
        OwnerError::Chain(format!(
            "{source} isn't core:http://HOST:PORT?cookie=PATH or core:http://USER:PASSWORD@HOST:PORT"
        ))
    };
    let rest = source.strip_prefix("core:http://").ok_or_else(form)?;
    if let Some((host, cookie)) = rest.split_once("?cookie=") {
        let credentials = std::fs::read_to_string(cookie)
            .map_err(|error| OwnerError::Chain(format!("{cookie} can't be read: {error}")))?;
        let host = host.trim_end_matches('/');
        return Ok((format!("http://{host}"), credentials.trim().to_owned()));
    }
    let (credentials, host) = rest.split_once('@').ok_or_else(form)?;
    Ok((format!("http://{host}"), credentials.to_owned()))
}
