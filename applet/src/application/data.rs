//! GET DATA, GET CHALLENGE.

use super::Tillcard;
use super::state::Issued;
use crate::capacities::CAPABILITIES;
use apdu_app::VecView;
use embedded_storage::nor_flash::NorFlash;
use rand_core::{TryCryptoRng, TryRng};
use tillcard_protocol::command::{CHALLENGE_LENGTH, GetData, State, StatusObject};
use tillcard_protocol::status::{self, Status};
use tillcard_protocol::tlv;
use tillcard_runtime::journal;

impl<N: NorFlash, R: TryCryptoRng> Tillcard<N, R> {
    /// `[INF-1]`: to anyone, in every state.
    #[inline(never)]
    pub(super) fn get_data(
        &mut self,
        object: GetData,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        Ok(match object {
            GetData::Status => {
                let state = self.state();
                StatusObject { state }.write(reply)
            }
            GetData::Capabilities => CAPABILITIES.write(reply),
            GetData::Certificates(key) => return self.persistent.certificates(key, reply),
        }?)
    }

    /// Where the card stands, whatever its NVM is like (`[STA-2]`).
    fn state(&mut self) -> State {
        match self.persistent.check() {
            Err(journal::Error::Version) => State::OtherVersion,
            Err(_) => State::Damaged,
            // What can't be read from a journal that opened is damaged too.
            Ok(()) => self.usable_state().unwrap_or(State::Damaged),
        }
    }

    /// - `[INF-3]`: network, tries and policy are all that it tells.
    /// - `[POL-3]`: the policy in force.
    fn usable_state(&mut self) -> Result<State, Status> {
        if self.persistent.is_terminated()? {
            return Ok(State::Terminated);
        }
        if !self.persistent.is_issued()? {
            return Ok(State::Factory);
        }
        Ok(State::Issued {
            network: self.persistent.identity()?.network,
            tries_left: self.persistent.tries_left()?,
            policy: self.persistent.policy()?,
        })
    }

    /// `[OWN-1]`: a fresh challenge replaces the one before.
    #[inline(never)]
    pub(super) fn get_challenge(
        &mut self,
        _: Issued,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        let mut challenge = [0; CHALLENGE_LENGTH];
        self.rng
            .try_fill_bytes(&mut challenge)
            .map_err(|_| status::EXECUTION_ERROR)?;
        self.volatile.challenge = Some(challenge);
        Ok(tlv::append(reply, &challenge)?)
    }
}
