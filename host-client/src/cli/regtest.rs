//! `tillcard regtest` and `tillcard mine`.

use bitcoin::Address;
use bitcoin::address::NetworkUnchecked;

use super::chain::ChainArguments;
use super::output::line;
use super::{CliError, Failure};
use tillcard::text::counted;

#[cfg(feature = "regtest")]
pub(super) use serve::Serve;

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
        let to = self
            .to
            .require_network(network)
            .map_err(|_| CliError::WrongNetwork(network))?;
        let blocks = chain.generate_to_address(self.blocks, &to)?;
        line(format_args!("{} mined", counted(blocks.len(), "block")));
        Ok(())
    }
}

#[cfg(feature = "regtest")]
mod serve {
    use std::io;
    use std::net::{Ipv4Addr, SocketAddr};
    use std::path::PathBuf;
    use std::sync::Arc;
    use std::thread;

    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    use crate::cli::folders::data_folder;
    use crate::cli::output::line;
    use crate::cli::{CliError, Failure};
    use tillcard_regtest::{RegtestChain, RegtestServer};

    /// Serves the embedded chain until Ctrl-C.
    #[derive(clap::Args)]
    pub(in crate::cli) struct Serve {
        /// Port on 127.0.0.1; 0 takes a free one
        #[arg(long, default_value_t = 18443)]
        port: u16,
        /// The chain's folder [default: tillcard/regtest in the user's data folder]
        #[arg(long, value_name = "FOLDER")]
        folder: Option<PathBuf>,
        /// End when standard input closes, as it does when the program at its other end dies
        #[arg(long)]
        until_input_closes: bool,
    }

    impl Serve {
        pub(in crate::cli) fn run(self) -> Result<(), Failure> {
            let folder = match self.folder {
                Some(folder) => folder,
                None => data_folder("regtest")?,
            };
            let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(CliError::Signals)?;
            let chain = Arc::new(RegtestChain::open(&folder).map_err(CliError::from)?);
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
            let server = RegtestServer::start(chain, address).map_err(CliError::from)?;
            line(format_args!(
                "--chain core:http://{}?cookie={}",
                server.address(),
                server.cookie().display()
            ));
            if self.until_input_closes {
                let ended = signals.handle();
                thread::spawn(move || {
                    // It closes, or can't be read: either is the end.
                    let _ = io::copy(&mut io::stdin(), &mut io::sink());
                    ended.close();
                });
            }
            signals.forever().next();
            Ok(())
        }
    }
}
