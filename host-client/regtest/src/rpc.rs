//! The part of Bitcoin Core's JSON-RPC that tillcard's client of a node speaks, answered by
//! the embedded chain: same methods, same shapes, same error codes. What tests ask for beside it
//! (`reorganise`, `evict`, and the switches) has names that Core doesn't use.

use bitcoin::consensus::encode::{deserialize_hex, serialize_hex};
use bitcoin::{Address, Amount, BlockHash, Network, OutPoint, ScriptBuf, Transaction, Txid};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::mempool::{IN_BLOCK, MISSING_INPUTS};
use super::{Refusal, RegtestChain, RegtestError, Rejected, Switches, Unspent};

// Codes of Bitcoin Core's `src/rpc/protocol.h` and of JSON-RPC 2.0.
const MISC_ERROR: i32 = -1;
const NOT_KNOWN: i32 = -5;
const INVALID_PARAMETER: i32 = -8;
const DESERIALIZATION_ERROR: i32 = -22;
const VERIFY_ERROR: i32 = -25;
const VERIFY_REJECTED: i32 = -26;
const ALREADY_IN_UTXO_SET: i32 = -27;
const METHOD_NOT_FOUND: i32 = -32601;
const INVALID_PARAMS: i32 = -32602;

/// Blocks that one `generatetoaddress` may ask for.
const MAX_GENERATED: u32 = 1_000;

/// A JSON-RPC error.
#[derive(Debug)]
pub(super) struct RpcError {
    pub(super) code: i32,
    pub(super) message: String,
}

impl RpcError {
    pub(super) fn new(code: i32, message: impl ToString) -> Self {
        Self {
            code,
            message: message.to_string(),
        }
    }
}

/// Positional parameters.
struct Params<'a>(&'a [Value]);

impl Params<'_> {
    fn required<T: DeserializeOwned>(&self, index: usize, name: &str) -> Result<T, RpcError> {
        let value = self
            .0
            .get(index)
            .ok_or_else(|| RpcError::new(INVALID_PARAMS, format!("{name} is missing")))?;
        T::deserialize(value)
            .map_err(|error| RpcError::new(INVALID_PARAMETER, format!("{name}: {error}")))
    }

    /// Fails unless the optional parameter is absent or `only`, the one form answered here.
    fn only(&self, index: usize, name: &str, only: Value) -> Result<(), RpcError> {
        match self.0.get(index) {
            None => Ok(()),
            Some(value) if *value == only => Ok(()),
            Some(value) => Err(RpcError::new(
                INVALID_PARAMETER,
                format!("{name} {value} isn't supported here, only {only}"),
            )),
        }
    }
}

/// Answers one call.
pub(super) fn answer(
    chain: &RegtestChain,
    switches: &Switches,
    method: &str,
    params: &[Value],
) -> Result<Value, RpcError> {
    let params = Params(params);
    match method {
        "getblockchaininfo" => Ok(blockchain_info(chain, switches.behind)),
        "getblockhash" => block_hash(chain, &params),
        "getblock" => block(chain, &params),
        "sendrawtransaction" => send(chain, switches.refuse.as_ref(), &params),
        "gettxout" => tx_out(chain, &params),
        "getrawmempool" => Ok(json!(chain.mempool())),
        "getmempoolinfo" => Ok(mempool_info(chain)),
        "getrawtransaction" => raw_transaction(chain, &params),
        "getmempoolentry" => mempool_entry(chain, &params),
        "gettxspendingprevout" => spenders(chain, &params),
        "estimatesmartfee" => Ok(json!({
            "errors": ["Insufficient data or no feerate found"],
            "blocks": params.required::<u16>(0, "conf_target")?,
        })),
        "generatetoaddress" => generate(chain, &params),
        "generateblock" => generate_block(chain, &params),
        "reorganise" => reorganise(chain, &params),
        "evict" => evict(chain, &params),
        _ => Err(RpcError::new(METHOD_NOT_FOUND, "Method not found")),
    }
}

fn blockchain_info(chain: &RegtestChain, behind: u32) -> Value {
    let tip = chain.tip();
    json!({
        "chain": "regtest",
        "blocks": tip.height,
        "headers": tip.height.saturating_add(behind),
        "bestblockhash": tip.hash,
        "initialblockdownload": behind > 0,
    })
}

/// There is always room, so that both rates are the least one.
fn mempool_info(chain: &RegtestChain) -> Value {
    let rate = Amount::from_sat(chain.mempool_policy().fee_rate.into()).to_btc();
    json!({ "mempoolminfee": rate, "minrelaytxfee": rate })
}

fn block_hash(chain: &RegtestChain, params: &Params<'_>) -> Result<Value, RpcError> {
    let height = params.required(0, "height")?;
    match chain.block_hash(height) {
        Some(hash) => Ok(json!(hash)),
        None => Err(RpcError::new(
            INVALID_PARAMETER,
            "Block height out of range",
        )),
    }
}

fn block(chain: &RegtestChain, params: &Params<'_>) -> Result<Value, RpcError> {
    let hash: BlockHash = params.required(0, "blockhash")?;
    params.only(1, "verbosity", json!(0))?;
    match chain.block(&hash) {
        Some(block) => Ok(json!(serialize_hex(&block))),
        None => Err(RpcError::new(NOT_KNOWN, "Block not found")),
    }
}

fn decode(raw: &str) -> Result<Transaction, RpcError> {
    deserialize_hex(raw)
        .map_err(|error| RpcError::new(DESERIALIZATION_ERROR, format!("TX decode failed: {error}")))
}

fn send(
    chain: &RegtestChain,
    refuse: Option<&Refusal>,
    params: &Params<'_>,
) -> Result<Value, RpcError> {
    let raw: String = params.required(0, "hexstring")?;
    let transaction = decode(&raw)?;
    if let Some(refusal) = refuse {
        if refusal.taken {
            // What the mempool itself says of it, nobody hears.
            let _ = chain.broadcast(transaction);
        }
        return Err(RpcError::new(refusal.code, &refusal.message));
    }
    let txid = chain
        .broadcast(transaction)
        .map_err(|Rejected { reason }| match reason.as_str() {
            MISSING_INPUTS => RpcError::new(VERIFY_ERROR, reason),
            IN_BLOCK => RpcError::new(
                ALREADY_IN_UTXO_SET,
                "Transaction outputs already in utxo set",
            ),
            _ => RpcError::new(VERIFY_REJECTED, reason),
        })?;
    Ok(json!(txid))
}

fn tx_out(chain: &RegtestChain, params: &Params<'_>) -> Result<Value, RpcError> {
    let outpoint = OutPoint {
        txid: params.required(0, "txid")?,
        vout: params.required(1, "n")?,
    };
    params.only(2, "include_mempool", json!(true))?;
    Ok(match chain.output(&outpoint) {
        None => Value::Null,
        Some(Unspent {
            confirmations,
            output,
        }) => json!({
            "bestblock": chain.tip().hash,
            "confirmations": confirmations,
            "value": output.value.to_btc(),
            "scriptPubKey": { "hex": output.script_pubkey },
        }),
    })
}

fn raw_transaction(chain: &RegtestChain, params: &Params<'_>) -> Result<Value, RpcError> {
    let txid: Txid = params.required(0, "txid")?;
    params.only(1, "verbosity", json!(1))?;
    match chain.mempool_transaction(&txid) {
        Some(transaction) => Ok(json!({ "txid": txid, "hex": serialize_hex(&transaction) })),
        None => Err(RpcError::new(
            NOT_KNOWN,
            "No such mempool transaction. There is no transaction index here",
        )),
    }
}

fn mempool_entry(chain: &RegtestChain, params: &Params<'_>) -> Result<Value, RpcError> {
    let txid: Txid = params.required(0, "txid")?;
    let btc = Amount::to_btc;
    match chain.mempool_entry(&txid) {
        Some(entry) => Ok(json!({
            "vsize": entry.vsize,
            "descendantcount": entry.descendants,
            "fees": { "base": btc(entry.fee), "descendant": btc(entry.descendant_fee) },
        })),
        None => Err(RpcError::new(NOT_KNOWN, "Transaction not in mempool")),
    }
}

fn spenders(chain: &RegtestChain, params: &Params<'_>) -> Result<Value, RpcError> {
    #[derive(Deserialize)]
    struct Output {
        txid: Txid,
        vout: u32,
    }
    let outputs: Vec<Output> = params.required(0, "outputs")?;
    let found: Vec<Value> = outputs
        .into_iter()
        .map(|Output { txid, vout }| {
            let mut answer = json!({ "txid": txid, "vout": vout });
            if let Some(spender) = chain.mempool_spender(&OutPoint { txid, vout }) {
                answer["spendingtxid"] = json!(spender);
            }
            answer
        })
        .collect();
    Ok(json!(found))
}

fn generate(chain: &RegtestChain, params: &Params<'_>) -> Result<Value, RpcError> {
    let blocks: u32 = params.required(0, "nblocks")?;
    if blocks > MAX_GENERATED {
        return Err(RpcError::new(
            INVALID_PARAMETER,
            format!("nblocks: at most {MAX_GENERATED} at once"),
        ));
    }
    let hashes = chain.mine(blocks, &address(params, 1)?).map_err(failed)?;
    Ok(json!(hashes))
}

/// The script of an address on this chain.
fn address(params: &Params<'_>, index: usize) -> Result<ScriptBuf, RpcError> {
    let address: Address<_> = params.required(index, "address")?;
    let address = address
        .require_network(Network::Regtest)
        .map_err(|error| RpcError::new(NOT_KNOWN, format!("Error: Invalid address: {error}")))?;
    Ok(address.script_pubkey())
}

fn failed(error: RegtestError) -> RpcError {
    RpcError::new(MISC_ERROR, error)
}

/// Core's: a block with these transactions and no others.
fn generate_block(chain: &RegtestChain, params: &Params<'_>) -> Result<Value, RpcError> {
    let pay_to = address(params, 0)?;
    let raw: Vec<String> = params.required(1, "transactions")?;
    let transactions = raw
        .iter()
        .map(|raw| decode(raw))
        .collect::<Result<_, _>>()?;
    let hash = chain.mine_only(&pay_to, transactions).map_err(failed)?;
    Ok(json!({ "hash": hash }))
}

/// Not Core's: the last blocks leave the chain.
fn reorganise(chain: &RegtestChain, params: &Params<'_>) -> Result<Value, RpcError> {
    let left = chain
        .reorganise(params.required(0, "depth")?)
        .map_err(failed)?;
    Ok(json!({ "left": left }))
}

/// Not Core's: the mempool forgets a transaction.
fn evict(chain: &RegtestChain, params: &Params<'_>) -> Result<Value, RpcError> {
    let evicted = chain.evict(params.required(0, "txid")?).map_err(failed)?;
    Ok(json!({ "evicted": evicted }))
}
