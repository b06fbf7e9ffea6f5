//! `tillcard regtest` and `tillcard mine`.

use bitcoin::Address;
use bitcoin::address::NetworkUnchecked;

use super::Failure;
use super::chain::ChainArguments;
use super::output::line;

#[cfg(feature = "regtest")]
pub(super) use serve::Serve;

/// Mines on a regtest node.
#[derive(clap::Args)]
pub(super) struct Mine {
    /// How many blocks
    #[arg(long, default_value_t = 1)]
    blocks: u32,
    /// Who gets the new coins, which can be spent after 100 further blocks
    #[arg(long, value_name = "ADDRESS")]
    to: Address<NetworkUnchecked>,
    #[command(flatten)]
    chain: ChainArguments,
}

impl Mine {
    pub(super) fn run(self) -> Result<(), Failure> {
        let (chain, network) = self.chain.connect()?;
        let to = self.to.require_network(network).map_err(|_| {
            Failure::new(format!(
                "the address isn't one of the node's chain, {network}"
            ))
        })?;
        let blocks = chain.generate_to_address(self.blocks, &to)?;
        let plural = if blocks.len() == 1 { "" } else { "s" };
        line(format_args!("{} block{plural} mined", blocks.len()));
        Ok(())
    }
}

#[cfg(feature = "regtest")]
mod serve {
    use std::net::{Ipv4Addr, SocketAddr};
    use std::path::PathBuf;
    use std::sync::Arc;

    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    use crate::chain::regtest::{RegtestChain, RegtestServer};
    use crate::cli::Failure;
    use crate::cli::folders::data_folder;
    use crate::cli::output::line;

    /// Serves the embedded chain until Ctrl-C.
    #[derive(clap::Args)]
    pub(in crate::cli) struct Serve {
        /// Port on 127.0.0.1; 0 takes a free one
        #[arg(long, default_value_t = 18443)]
        port: u16,
        /// The chain's folder [default: tillcard/regtest in the user's data folder]
        #[arg(long, value_name = "FOLDER")]
        folder: Option<PathBuf>,
    }

    impl Serve {
        pub(in crate::cli) fn run(self) -> Result<(), Failure> {
            let folder = match self.folder {
                Some(folder) => folder,
                None => data_folder("regtest")?,
            };
            let mut signals = Signals::new([SIGINT, SIGTERM])?;
            let chain = Arc::new(RegtestChain::open(&folder)?);
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
            let server = RegtestServer::start(chain, address)?;
            line(format_args!(
                "--chain core:http://{}?cookie={}",
                server.address(),
                server.cookie().display()
            ));
            signals.forever().next();
            Ok(())
        }
    }
}
