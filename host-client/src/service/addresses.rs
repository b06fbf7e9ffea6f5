//! The shop's addresses: a fresh one for each payment, from a descriptor that can only watch.

use std::collections::{BTreeMap, BTreeSet};

use bdk_wallet::miniscript::psbt::PsbtExt;
use bdk_wallet::miniscript::{DefiniteDescriptorKey, Descriptor, DescriptorPublicKey, ForEachKey};
use bitcoin::{Address, Network, NetworkKind, Psbt, ScriptBuf, Weight};

/// So many of the latest addresses are looked through for a script.
const SEARCHED: u32 = 20_000;

/// The shop's receive descriptor: `tr` or `wpkh` of one extended public key, with `/*`.
pub(crate) struct Addresses {
    descriptor: Descriptor<DescriptorPublicKey>,
    network: Network,
}

impl Addresses {
    /// From a descriptor's text.
    ///
    /// # Errors
    /// Why it isn't one that a till takes.
    pub(crate) fn parse(text: &str, network: Network) -> Result<Self, String> {
        let descriptor: Descriptor<DescriptorPublicKey> = (text.trim().parse())
            .map_err(|error| format!("{error}; a till takes public keys only"))?;
        if !matches!(descriptor, Descriptor::Tr(_) | Descriptor::Wpkh(_)) {
            return Err("it is neither tr(…) nor wpkh(…)".to_owned());
        }
        if descriptor.is_multipath() {
            return Err("it has several paths (<0;1>): write the one for receiving".to_owned());
        }
        if !descriptor.has_wildcard() {
            return Err("it has no /* at its end: all payments would go to one address".to_owned());
        }
        let kind = NetworkKind::from(network);
        let is_of_network = descriptor.for_each_key(|key| match key {
            DescriptorPublicKey::XPub(key) => key.xkey.network == kind,
            DescriptorPublicKey::Single(_) | DescriptorPublicKey::MultiXPub(_) => true,
        });
        if !is_of_network {
            return Err(format!("its keys aren't of {network}, the till's network"));
        }
        let addresses = Self {
            descriptor,
            network,
        };
        addresses.at(0)?;
        Ok(addresses)
    }

    /// The address of this index.
    pub(crate) fn at(&self, index: u32) -> Result<Address, String> {
        let address = self.definite(index)?.address(self.network);
        address.map_err(|error| error.to_string())
    }

    fn definite(&self, index: u32) -> Result<Descriptor<DefiniteDescriptorKey>, String> {
        let definite = self.descriptor.at_derivation_index(index);
        definite.map_err(|error| error.to_string())
    }

    /// Which of these scripts are of the addresses before `next`, the latest ones.
    pub(crate) fn indexes(
        &self,
        mut scripts: BTreeSet<ScriptBuf>,
        next: u32,
    ) -> Result<BTreeMap<ScriptBuf, u32>, String> {
        let mut found = BTreeMap::new();
        for index in (next.saturating_sub(SEARCHED)..next).rev() {
            if scripts.is_empty() {
                break;
            }
            let script = self.at(index)?.script_pubkey();
            if scripts.remove(&script) {
                found.insert(script, index);
            }
        }
        Ok(found)
    }

    /// What signatures add to an input, at most.
    pub(crate) fn witness(&self) -> Result<Weight, String> {
        let weight = self.definite(0)?.max_weight_to_satisfy();
        weight.map_err(|error| error.to_string())
    }

    /// Writes into a PSBT's input by which key the address of this index is spent.
    pub(crate) fn describe_input(
        &self,
        psbt: &mut Psbt,
        input: usize,
        index: u32,
    ) -> Result<(), String> {
        let described = psbt.update_input_with_descriptor(input, &self.definite(index)?);
        described.map_err(|error| error.to_string())
    }

    /// Writes into a PSBT's output that it is the address of this index.
    pub(crate) fn describe_output(
        &self,
        psbt: &mut Psbt,
        output: usize,
        index: u32,
    ) -> Result<(), String> {
        let described = psbt.update_output_with_descriptor(output, &self.definite(index)?);
        described.map_err(|error| error.to_string())
    }

    /// What tells this descriptor from others.
    pub(crate) fn name(&self) -> String {
        self.descriptor.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "tpubD6NzVbkrYhZ4XHndKkuB8FifXm8r5FQHwrN6oZuWCz13qb93rtgKvD4PQsqC4HP4yhV3tA2fqr2RbY5mNXfM7RxXUoeABoDtsFUq2zJq6YK";

    #[test]
    fn each_index_has_an_address_of_its_own() {
        for kind in ["tr", "wpkh"] {
            let descriptor = format!("{kind}({KEY}/0/*)");
            let addresses = Addresses::parse(&descriptor, Network::Regtest).unwrap();
            let mut seen: Vec<_> = (0..100)
                .map(|i| addresses.at(i).unwrap().to_string())
                .collect();
            seen.sort();
            seen.dedup();
            assert_eq!(seen.len(), 100);
            assert!(seen[0].starts_with("bcrt1"));
        }
    }

    #[test]
    fn what_is_no_receive_descriptor_is_refused() {
        for (descriptor, network) in [
            (format!("tr({KEY}/0/1)"), Network::Regtest),
            (format!("tr({KEY}/<0;1>/*)"), Network::Regtest),
            (format!("pkh({KEY}/0/*)"), Network::Regtest),
            (format!("tr({KEY}/0/*)"), Network::Bitcoin),
            ("tr(milk)".to_owned(), Network::Regtest),
        ] {
            let refused = Addresses::parse(&descriptor, network);
            assert!(refused.is_err(), "{descriptor}");
        }
    }
}
