//! Watches the chain for coins that come to payments' addresses, in one thread: new transactions of the
//! mempool and new blocks, once for all payments.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bitcoin::{Address, BlockHash, ScriptBuf, Transaction, Txid};
use tillcard::chain::{Chain, CoreRpc, Reach, TransactionStatus};
use tillcard::till::machine::DEEPEST_REORGANISATION;

use super::AddressCoin;
use crate::service::bell::Stop;
use crate::service::error::ServiceError;
use crate::service::moment::Moment;
use crate::service::shop::{Shop, lock};

/// So long after a payment was made its address is watched, and a refund after it was drafted: a year.
pub(in crate::service) const WATCHED: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A mempool that is fuller when the service starts isn't read: what it has is found in blocks.
const MEMPOOL_MAX: usize = 5_000;

/// Under this name the book keeps the height up to which blocks were searched.
const SEARCHED: &str = "addresses_searched_to";

/// Which payment has which address.
#[derive(Default)]
pub(crate) struct WatchedAddresses(BTreeMap<ScriptBuf, String>);

impl WatchedAddresses {
    /// Whether it is the script of a payment's address.
    pub(crate) fn has(&self, script: &ScriptBuf) -> bool {
        self.0.contains_key(script)
    }

    /// Watches an address for this payment; whether it is of no other.
    pub(crate) fn add(&mut self, address: &Address, payment: &str) -> bool {
        let script = address.script_pubkey();
        let owner = self.0.entry(script).or_insert_with(|| payment.to_owned());
        owner == payment
    }
}

/// Looks at the chain again and again.
pub(in crate::service) fn run(shop: &Arc<Shop>) {
    let chain = shop.chain();
    let mut watch = Watch::default();
    loop {
        if let Err(error) = watch.look(shop, &chain) {
            tracing::debug!(%error, "payments' addresses can't be watched just now");
        }
        std::thread::sleep(shop.setup.poll_interval);
    }
}

/// What was seen of the chain.
#[derive(Default)]
struct Watch {
    /// The last block that was searched.
    searched: Option<(u32, BlockHash)>,
    /// The mempool as it was seen last.
    mempool: HashSet<Txid>,
    is_mempool_known: bool,
    /// Payments with coins that a reorganisation may reach.
    young: Option<BTreeSet<String>>,
}

impl Watch {
    fn look(&mut self, shop: &Shop, chain: &CoreRpc) -> Result<(), ServiceError> {
        shop.expire_refunds()?;
        if chain.reach()? != Reach::Complete {
            return Ok(());
        }
        let tip = chain.tip()?;
        if self.young.is_none() {
            self.young = Some(
                shop.book
                    .payments_with_young_coins(DEEPEST_REORGANISATION)?,
            );
        }
        let is_new = self.searched.is_none_or(|(_, hash)| hash != tip.hash);
        if is_new {
            self.search_blocks(shop, chain, tip.height)?;
            shop.book.keep_fact(SEARCHED, &tip.height.to_string())?;
            self.searched = Some((tip.height, tip.hash));
        }
        let has_news = self.search_mempool(shop, chain, tip.height)?;
        if is_new || has_news {
            self.follow_coins(shop, chain)?;
            shop.follow_refunds(chain, &tip, is_new)?;
        }
        Ok(())
    }

    /// Searches the blocks that are new, those that replaced others among them.
    fn search_blocks(
        &mut self,
        shop: &Shop,
        chain: &CoreRpc,
        tip: u32,
    ) -> Result<(), ServiceError> {
        let from = match self.searched {
            Some((height, hash)) if chain.block_hash(height)? == Some(hash) => height + 1,
            Some((height, _)) => height.min(tip).saturating_sub(DEEPEST_REORGANISATION),
            None => match shop.book.fact(SEARCHED)?.and_then(|it| it.parse().ok()) {
                Some(height) => tip.min(height).saturating_sub(DEEPEST_REORGANISATION),
                // No payment was made before.
                None => tip,
            },
        };
        for height in from..=tip {
            let Some(hash) = chain.block_hash(height)? else {
                break;
            };
            for transaction in chain.block(&hash)?.txdata {
                self.search(shop, &transaction, height)?;
            }
        }
        Ok(())
    }

    /// Searches what is new in the mempool; whether it has changed.
    fn search_mempool(
        &mut self,
        shop: &Shop,
        chain: &CoreRpc,
        height: u32,
    ) -> Result<bool, ServiceError> {
        let now: HashSet<Txid> = chain.mempool()?.into_iter().collect();
        let is_readable = self.is_mempool_known || now.len() <= MEMPOOL_MAX;
        if is_readable {
            let new: Vec<Txid> = now.difference(&self.mempool).copied().collect();
            for txid in new {
                if let Some(transaction) = chain.mempool_transaction(&txid)? {
                    self.search(shop, &transaction, height)?;
                }
            }
        }
        self.is_mempool_known = true;
        let before = std::mem::replace(&mut self.mempool, now);
        Ok(before != self.mempool)
    }

    /// Notes the coins that a transaction sends to payments' addresses, and the refund that it is.
    fn search(
        &mut self,
        shop: &Shop,
        transaction: &Transaction,
        height: u32,
    ) -> Result<(), ServiceError> {
        shop.refund_came(transaction, height)?;
        for (vout, output) in (0..).zip(&transaction.output) {
            let watched = lock(&shop.addresses);
            let Some(id) = watched.0.get(&output.script_pubkey).cloned() else {
                continue;
            };
            drop(watched);
            let coin = AddressCoin {
                txid: transaction.compute_txid().to_string(),
                vout,
                amount_sat: output.value.to_sat(),
                confirmations: 0,
                seen_at: Moment::now(),
                seen_at_height: height,
            };
            self.young.get_or_insert_default().insert(id.clone());
            shop.coin_came(&id, coin)?;
        }
        Ok(())
    }

    /// Looks where the coins stand that a reorganisation may reach.
    fn follow_coins(&mut self, shop: &Shop, chain: &CoreRpc) -> Result<(), ServiceError> {
        for id in self.young.clone().unwrap_or_default() {
            let payment = shop.book.payment(&id)?;
            let Some(by_address) = payment.by_address else {
                self.young.get_or_insert_default().remove(&id);
                continue;
            };
            let mut coins = Vec::new();
            for coin in by_address.coins {
                if let Some(confirmations) = depth(chain, &coin)? {
                    coins.push(AddressCoin {
                        confirmations,
                        ..coin
                    });
                }
            }
            let is_young = coins
                .iter()
                .any(|coin| coin.confirmations <= DEEPEST_REORGANISATION);
            shop.coins_are(&id, coins)?;
            if !is_young {
                self.young.get_or_insert_default().remove(&id);
            }
        }
        Ok(())
    }
}

/// Blocks that bury a coin; nothing when it is gone.
fn depth(chain: &CoreRpc, coin: &AddressCoin) -> Result<Option<u32>, ServiceError> {
    let txid: Txid = coin.txid.parse().map_err(ServiceError::book)?;
    let since = coin.seen_at_height.saturating_sub(DEEPEST_REORGANISATION);
    let status = chain.transaction_status(&txid, since);
    Ok(match status? {
        TransactionStatus::Unknown => None,
        TransactionStatus::InMempool => Some(0),
        TransactionStatus::Confirmed { confirmations, .. } => Some(confirmations),
    })
}

impl Shop {
    /// Watches the addresses of all payments that aren't too old.
    pub(in crate::service) fn watch_addresses(&self) -> Result<(), ServiceError> {
        let network = self.setup.network;
        let mut watched = lock(&self.addresses);
        for (id, address) in self.book.addresses_since(Moment::now().minus(WATCHED))? {
            let address: Address<_> = address.parse().map_err(ServiceError::book)?;
            if let Ok(address) = address.require_network(network) {
                watched.add(&address, &id);
            }
        }
        Ok(())
    }

    /// A coin came to a payment's address.
    fn coin_came(&self, id: &str, coin: AddressCoin) -> Result<(), ServiceError> {
        let payment = self.book.payment(id)?;
        let mut coins = payment.by_address.map_or_else(Vec::new, |it| it.coins);
        let is_known = |known: &AddressCoin| known.txid == coin.txid && known.vout == coin.vout;
        if coins.iter().any(is_known) {
            return Ok(());
        }
        coins.push(coin);
        self.coins_are(id, coins)
    }

    /// These coins are at a payment's address: what follows is stored, and announced. Once they pay it no
    /// card is waited for.
    fn coins_are(&self, id: &str, mut coins: Vec<AddressCoin>) -> Result<(), ServiceError> {
        let record = self.store()?.read_one(id);
        let record = record.map_err(tillcard::till::TillError::from)?;
        // What the card paid is no coin of somebody else's.
        let by_card = record.txid().map(|txid| txid.to_string());
        coins.retain(|coin| Some(&coin.txid) != by_card.as_ref());
        let now = Moment::now();
        let mut judged = self.book.payment(id)?;
        let before = judged.by_address.take();
        judged.judge(coins.clone(), now);
        if judged.by_address == before {
            return Ok(());
        }
        let changed = self.book.change_payment(id, |payment| {
            payment.judge(coins, now);
            payment.follow(&record, None, None, now);
        })?;
        let is_paid = changed.is_some_and(|payment| payment.state_by_address().is_some());
        if is_paid && let Some(counter) = self.counter_of(id) {
            counter.bell.stop(Stop::PaidOtherwise);
        }
        Ok(())
    }
}
