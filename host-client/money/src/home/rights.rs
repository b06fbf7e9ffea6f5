//! The owner's commands about what his cards have paid, and about lost ones.

use std::fs;

use bitcoin::Network as Coin;
use tillcard::chain::FeeRate;
use tillcard::owner::{ComparedCoins, Limits, Owner, PaymentStatus, SweepOptions, Words};

use super::folder::WORDS;
use super::owner::{Computer, Ended};

/// The fee rate at which the owner takes money back: more than shops ask for.
const HASTE: FeeRate = FeeRate::from_sat_per_kvb(5_000);

impl Computer {
    /// `owner cancel` of the newest payment that may be cancelled, if there is one.
    pub fn cancel(&self, number: u32) -> Ended<()> {
        self.run("cancel", |owner| {
            let mut visit = owner.visit(Some(number), self.connect()?)?;
            let log = visit.log(&self.node, &mut |_, _| ())?;
            let open = log.iter().filter(|(payment, status)| {
                let is_over = matches!(
                    status,
                    PaymentStatus::Confirmed { .. } | PaymentStatus::Conflicted { .. }
                );
                !payment.cancelled && !is_over
            });
            match open.last().map(|(payment, _)| payment.number) {
                None => visit.close(),
                Some(newest) => owner
                    .cancel(visit, newest, HASTE, &self.node, &mut |_, _| ())
                    .map(drop),
            }
        })
    }

    /// `owner resolve` of each payment whose conflict is so deep, and `owner log`, acknowledged.
    pub fn read_log(&self, number: u32, confirmations: u32) -> Ended<()> {
        self.run("log", |owner| {
            let mut visit = owner.visit(Some(number), self.connect()?)?;
            let log = visit.log(&self.node, &mut |_, _| ())?;
            for (payment, status) in log.iter() {
                if let PaymentStatus::Conflicted {
                    confirmations: depth,
                    ..
                } = *status
                    && depth >= confirmations
                    && !payment.cancelled
                {
                    visit.resolve(&log, payment.number, confirmations)?;
                }
            }
            let log = visit.log(&self.node, &mut |_, _| ())?;
            visit.acknowledge(&log, confirmations)?;
            visit.close()
        })
    }

    /// `owner coins`.
    pub fn coins(&self, number: u32) -> Ended<ComparedCoins> {
        self.run("coins", |owner| {
            let visit = owner.visit(Some(number), self.connect()?)?;
            owner.compare_coins(visit, &self.node, &mut |_, _| ())
        })
    }

    /// `owner enter`: the card is told of what the chain has for it.
    pub fn enter(&self, number: u32) -> Ended<()> {
        self.run("enter", |owner| {
            let mut visit = owner.visit(Some(number), self.connect()?)?;
            owner.enter_coins(&mut visit, &self.node, &mut |_, _| (), &mut |_, _| ())?;
            visit.close()
        })
    }

    /// `owner consolidate`.
    pub fn consolidate(&self, number: u32) -> Ended<()> {
        self.run("consolidate", |owner| {
            let visit = owner.visit(Some(number), self.connect()?)?;
            let moved = owner.consolidate(visit, HASTE, &self.node, &mut |_, _| ())?;
            self.steps
                .note(format_args!("    makes {} coins one", moved.coins));
            Ok(())
        })
    }

    /// `owner limits`.
    pub fn set_limits(&self, number: u32, limits: Limits) -> Ended<()> {
        self.run("limits", |owner| {
            let mut visit = owner.visit(Some(number), self.connect()?)?;
            owner.set_limits(&mut visit, limits)?;
            visit.close()
        })
    }

    /// `owner pin --unblock`.
    pub fn unblock(&self, number: u32) -> Ended<()> {
        self.run("unblock", |owner| {
            let mut visit = owner.visit(Some(number), self.connect()?)?;
            visit.unblock_pin()?;
            visit.close()
        })
    }

    /// `owner block`: the card is lost.
    pub fn block(&self, number: u32, replace_unconfirmed: bool) -> Ended<()> {
        let options = SweepOptions {
            fee_rate: HASTE,
            replace_unconfirmed,
        };
        self.run("block", |owner| {
            owner.sync(&self.node, &mut |_, _| ())?;
            let sweep = owner.block(&self.node, number, options, &mut |_, _| ())?;
            self.steps.note(format_args!(
                "    takes {} coins back",
                sweep
                    .transactions
                    .iter()
                    .map(|sent| sent.input.len())
                    .sum::<usize>()
            ));
            Ok(())
        })
    }

    /// The folder is lost, and restored from the words.
    pub fn restore(&self) -> Ended<()> {
        fs::remove_dir_all(&self.folder).expect("a folder in RAM");
        let restored = || {
            let words = Words::parse(WORDS)?;
            let (network, node) = (Coin::Regtest, &self.node);
            let restored = Owner::restore(&self.folder, network, &words, node, 0, &mut |_, _| ());
            restored.map(|(owner, _)| owner)
        };
        self.run_with("restore", restored, |_| Ok(()))
    }
}
