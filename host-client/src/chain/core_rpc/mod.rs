//! Bitcoin Core over JSON-RPC, and whatever else speaks that part of it.
//!
//! No wallet, no index and no ZMQ is asked of the node; version 24 or later will do
//! (`gettxspendingprevout`).

mod address;
mod auth;
mod call;

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use bitcoin::consensus::encode::{deserialize_hex, serialize_hex};
use bitcoin::{Address, Amount, Block, BlockHash, Network, OutPoint, Transaction, TxOut, Txid};
use jsonrpc::client::Client;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{
    Chain, ChainError, FeeRate, MempoolEntry, OutputState, SourceProgress, Tip, network_of_genesis,
};
pub use auth::Auth;
use call::CallError;

/// `RPC_INVALID_ADDRESS_OR_KEY`: the block or transaction isn't known. The numbers here are those
/// of Bitcoin Core's `src/rpc/protocol.h`.
const NOT_KNOWN: i32 = -5;
/// `RPC_INVALID_PARAMETER`: among others, a height above the tip.
const INVALID_PARAMETER: i32 = -8;
/// `RPC_MISC_ERROR`: among others, a pruned block.
const MISC_ERROR: i32 = -1;
/// `RPC_VERIFY_ERROR`, `RPC_VERIFY_REJECTED`, `RPC_DESERIALIZATION_ERROR`: the transaction wasn't
/// taken.
const NOT_TAKEN: [i32; 3] = [-25, -26, -22];
/// `RPC_VERIFY_ALREADY_IN_UTXO_SET`: the transaction is in a block.
const IN_BLOCK: i32 = -27;

/// Time that one question to a node may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Where the node is and how to speak to it.
#[derive(Clone)]
pub struct CoreRpcConfig {
    /// `http://host:port`.
    pub url: String,
    /// Credentials.
    pub auth: Auth,
    /// How long one question may take.
    pub timeout: Duration,
}

impl CoreRpcConfig {
    /// Whether the node is on this machine, so that nobody sits between. Elsewhere plain HTTP lets
    /// whoever does read the password, and say of the chain what he likes.
    pub fn is_local(&self) -> bool {
        let host = self.url.strip_prefix("http://").unwrap_or(&self.url);
        let host = host.split('/').next().unwrap_or_default();
        let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((name, _)) => name,
            None => host.rsplit_once(':').map_or(host, |(name, _)| name),
        };
        let address = name.parse::<std::net::IpAddr>();
        name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|ip| ip.is_loopback())
    }

    /// A node at `url` (`http://host:port`) that has written this cookie file, 30 s.
    pub fn with_cookie(url: impl Into<String>, cookie: impl Into<PathBuf>) -> Self {
        Self {
            url: url.into(),
            auth: Auth::Cookie(cookie.into()),
            timeout: TIMEOUT,
        }
    }

    /// A node of this user on this machine: loopback, Bitcoin Core's port and cookie file for the
    /// network (`~/.bitcoin/…/.cookie`), 30 s.
    pub fn local(network: Network) -> Self {
        let (port, folder) = match network {
            Network::Bitcoin => (8332, ""),
            Network::Testnet => (18332, "testnet3"),
            Network::Testnet4 => (48332, "testnet4"),
            Network::Signet => (38332, "signet"),
            _ => (18443, "regtest"),
        };
        let home = etcetera::home_dir().unwrap_or_default();
        Self {
            url: format!("http://127.0.0.1:{port}"),
            auth: Auth::Cookie(home.join(".bitcoin").join(folder).join(".cookie")),
            timeout: TIMEOUT,
        }
    }
}

/// A Bitcoin Core node.
///
/// The first question opens the connection: making a value of this type never fails. A node that
/// restarts writes a new cookie, which is read again when the old one is refused.
pub struct CoreRpc {
    config: CoreRpcConfig,
    client: Mutex<Option<Client>>,
}

impl CoreRpc {
    /// A node at `config.url`.
    pub fn new(config: CoreRpcConfig) -> Self {
        Self {
            config,
            client: Mutex::new(None),
        }
    }

    /// Mines `blocks` blocks on regtest that pay their subsidy to `address`; their hashes.
    ///
    /// # Errors
    /// As [`Chain`]'s methods; a node on another network refuses.
    pub fn generate_to_address(
        &self,
        blocks: u32,
        address: &Address,
    ) -> Result<Vec<BlockHash>, ChainError> {
        self.ask("generatetoaddress", &[json!(blocks), json!(address)])
    }

    fn ask<T: DeserializeOwned>(&self, method: &str, args: &[Value]) -> Result<T, ChainError> {
        self.call(method, args)
            .map_err(|error| error.into_chain_error(method, &self.config))
    }

    /// As [`Self::ask`], where an error with one of these codes means that there is no such thing.
    fn ask_if_any<T: DeserializeOwned>(
        &self,
        method: &str,
        args: &[Value],
        none: &[i32],
    ) -> Result<Option<T>, ChainError> {
        match self.call(method, args) {
            Ok(answer) => Ok(Some(answer)),
            Err(CallError::Node { code, .. }) if none.contains(&code) => Ok(None),
            Err(error) => Err(error.into_chain_error(method, &self.config)),
        }
    }

    fn call<T: DeserializeOwned>(&self, method: &str, args: &[Value]) -> Result<T, CallError> {
        let answer = self.call_open(method, args);
        match &answer {
            Ok(_) => tracing::trace!(method, "the node answered"),
            Err(error) => tracing::debug!(method, kind = error.kind(), "the node didn't answer"),
        }
        answer
    }

    fn call_open<T: DeserializeOwned>(&self, method: &str, args: &[Value]) -> Result<T, CallError> {
        let mut client = self
            .client
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(open) = client.as_ref() {
            match call::call(open, method, args) {
                // A restarted node has a new cookie.
                Err(CallError::Unauthorized) => *client = None,
                answer => return answer,
            }
        }
        let open = client.insert(call::open(&self.config)?);
        call::call(open, method, args)
    }
}

fn unusable(method: &str, cause: impl ToString) -> ChainError {
    ChainError::Protocol {
        method: method.into(),
        cause: cause.to_string().into(),
    }
}

/// An amount that JSON carries as a decimal number of bitcoins.
fn amount(method: &str, btc: f64) -> Result<Amount, ChainError> {
    Amount::from_btc(btc).map_err(|error| unusable(method, error))
}

/// A fee rate that JSON carries as a decimal number of bitcoins per 1000 vbytes.
fn rate(method: &str, btc_per_kvb: f64) -> Result<FeeRate, ChainError> {
    let rate = amount(method, btc_per_kvb)?.to_sat();
    Ok(FeeRate::from_sat_per_kvb(
        u32::try_from(rate).unwrap_or(u32::MAX),
    ))
}

#[derive(Deserialize)]
struct BlockchainInfo {
    blocks: u32,
    bestblockhash: BlockHash,
    /// What only Bitcoin Core itself tells.
    headers: Option<u32>,
    #[serde(default)]
    initialblockdownload: bool,
    time: Option<u64>,
}

#[derive(Deserialize)]
struct TxOutInfo {
    confirmations: u32,
    value: f64,
    #[serde(rename = "scriptPubKey")]
    script: ScriptInfo,
}

#[derive(Deserialize)]
struct ScriptInfo {
    hex: bitcoin::ScriptBuf,
}

#[derive(Deserialize)]
struct RawTransaction {
    hex: String,
    blockhash: Option<BlockHash>,
}

#[derive(Deserialize)]
struct EntryInfo {
    vsize: u64,
    #[serde(rename = "descendantcount")]
    descendants: u64,
    fees: EntryFees,
}

#[derive(Deserialize)]
struct EntryFees {
    base: f64,
    descendant: f64,
}

#[derive(Deserialize)]
struct Spender {
    spendingtxid: Option<Txid>,
    blockhash: Option<BlockHash>,
}

/// Rates in BTC/kvB.
#[derive(Deserialize)]
struct MempoolInfo {
    mempoolminfee: f64,
    minrelaytxfee: f64,
}

#[derive(Deserialize)]
struct FeeEstimate {
    feerate: Option<f64>,
}

impl Chain for CoreRpc {
    fn network(&self) -> Result<Network, ChainError> {
        let genesis = self.ask("getblockhash", &[json!(0)])?;
        network_of_genesis(&genesis).ok_or(ChainError::UnknownNetwork { genesis })
    }

    fn tip(&self) -> Result<Tip, ChainError> {
        let info: BlockchainInfo = self.ask("getblockchaininfo", &[])?;
        Ok(Tip {
            height: info.blocks,
            hash: info.bestblockhash,
        })
    }

    fn source_progress(&self) -> Result<SourceProgress, ChainError> {
        let info: BlockchainInfo = self.ask("getblockchaininfo", &[])?;
        Ok(SourceProgress {
            blocks: info.blocks,
            headers: info.headers.unwrap_or(info.blocks),
            is_loading: info.initialblockdownload,
            tip_time: info.time,
        })
    }

    fn block_hash(&self, height: u32) -> Result<Option<BlockHash>, ChainError> {
        self.ask_if_any("getblockhash", &[json!(height)], &[INVALID_PARAMETER])
    }

    fn block(&self, hash: &BlockHash) -> Result<Block, ChainError> {
        let raw: String = self
            .ask_if_any(
                "getblock",
                &[json!(hash), json!(0)],
                &[NOT_KNOWN, MISC_ERROR],
            )?
            .ok_or_else(|| ChainError::NotFound {
                what: format!("block {hash}"),
            })?;
        deserialize_hex(&raw).map_err(|error| unusable("getblock", error))
    }

    fn broadcast(&self, transaction: &Transaction) -> Result<Txid, ChainError> {
        let method = "sendrawtransaction";
        match self.call(method, &[json!(serialize_hex(transaction))]) {
            Err(CallError::Node { code, message }) if NOT_TAKEN.contains(&code) => {
                Err(ChainError::Rejected {
                    reason: message.into(),
                })
            }
            Err(CallError::Node { code: IN_BLOCK, .. }) => Ok(transaction.compute_txid()),
            answer => answer.map_err(|error| error.into_chain_error(method, &self.config)),
        }
    }

    fn output(&self, outpoint: &OutPoint) -> Result<OutputState, ChainError> {
        let method = "gettxout";
        let found: Option<TxOutInfo> = self.ask(
            method,
            &[json!(outpoint.txid), json!(outpoint.vout), json!(true)],
        )?;
        Ok(match found {
            None => OutputState::SpentOrUnknown,
            Some(info) => OutputState::Unspent {
                confirmations: info.confirmations,
                output: TxOut {
                    value: amount(method, info.value)?,
                    script_pubkey: info.script.hex,
                },
            },
        })
    }

    fn mempool(&self) -> Result<Vec<Txid>, ChainError> {
        self.ask("getrawmempool", &[])
    }

    fn mempool_transaction(&self, txid: &Txid) -> Result<Option<Transaction>, ChainError> {
        let method = "getrawtransaction";
        let found: Option<RawTransaction> =
            self.ask_if_any(method, &[json!(txid), json!(1)], &[NOT_KNOWN])?;
        match found {
            // A node with a transaction index finds confirmed ones too.
            None
            | Some(RawTransaction {
                blockhash: Some(_), ..
            }) => Ok(None),
            Some(raw) => deserialize_hex(&raw.hex)
                .map(Some)
                .map_err(|error| unusable(method, error)),
        }
    }

    fn mempool_entry(&self, txid: &Txid) -> Result<Option<MempoolEntry>, ChainError> {
        let method = "getmempoolentry";
        let found: Option<EntryInfo> = self.ask_if_any(method, &[json!(txid)], &[NOT_KNOWN])?;
        found
            .map(|entry| {
                Ok(MempoolEntry {
                    vsize: entry.vsize,
                    fee: amount(method, entry.fees.base)?,
                    descendant_fee: amount(method, entry.fees.descendant)?,
                    descendants: entry.descendants,
                })
            })
            .transpose()
    }

    fn mempool_spender(&self, outpoint: &OutPoint) -> Result<Option<Txid>, ChainError> {
        let asked = json!([{"txid": outpoint.txid, "vout": outpoint.vout}]);
        let found: Vec<Spender> = self.ask("gettxspendingprevout", &[asked])?;
        Ok(found
            .into_iter()
            .next()
            // A node with a spender index tells spends in blocks too.
            .filter(|spender| spender.blockhash.is_none())
            .and_then(|spender| spender.spendingtxid))
    }

    fn least_fee_rate(&self) -> Result<FeeRate, ChainError> {
        let method = "getmempoolinfo";
        let info: MempoolInfo = self.ask(method, &[])?;
        rate(method, info.mempoolminfee.max(info.minrelaytxfee))
    }

    fn estimate_fee_rate(&self, blocks: u16) -> Result<FeeRate, ChainError> {
        let method = "estimatesmartfee";
        let estimate: FeeEstimate = self.ask(method, &[json!(blocks)])?;
        match estimate.feerate {
            Some(btc_per_kvb) => rate(method, btc_per_kvb),
            None if self.network()? == Network::Bitcoin => Err(ChainError::NoFeeEstimate),
            None => Ok(FeeRate::FALLBACK),
        }
    }
}
