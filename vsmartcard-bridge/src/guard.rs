//! Keeping an emulated card away from real money.

use iso7816::command::CommandView;
use tillcard_applet::command::{Command, Network};

/// CLA and INS of an ISSUE inside a channel (section 2.7), whose data field nobody but the card reads.
const PROTECTED_ISSUE: [u8; 2] = [0x84, 0x10];

/// Where the network byte stands in the data field of ISSUE (`docs/protocol.md`, section 3.2).
const NETWORK_IN_DATA: usize = 2;

/// A byte that stands for no network.
const NO_NETWORK: u8 = 0xFF;

/// Makes mainnet an unknown network: an ISSUE for mainnet is given to the card as one for a network
/// that doesn't exist, so that the card itself refuses it as the protocol says (`[ISS-2]`). Any
/// other command is none of its business. Returns whether it was such an ISSUE.
pub fn hide_mainnet(command: &mut [u8]) -> bool {
    let issues_mainnet = CommandView::try_from(&*command).ok().is_some_and(|view| {
        let class = view.class().into_inner();
        let header = [class, view.instruction().into(), view.p1, view.p2];
        match Command::parse(header, view.data()) {
            Ok(Command::Issue(issue)) => issue.network() == Ok(Network::Mainnet),
            _ => false,
        }
    });
    if issues_mainnet {
        // Four bytes of header, then Lc in one byte or, extended, in three beginning with 00.
        let data = if command[4] == 0 { 7 } else { 5 };
        command[data + NETWORK_IN_DATA] = NO_NETWORK;
    }
    issues_mainnet
}

/// Whether the card may have been issued for mainnet by this command without [`hide_mainnet`]'s
/// noticing.
#[must_use]
pub fn hides_its_network(command: &[u8]) -> bool {
    command.starts_with(&PROTECTED_ISSUE)
}
