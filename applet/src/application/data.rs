//! GET DATA, GET CHALLENGE.

use super::Tillcard;
use crate::command::{CHALLENGE_LENGTH, Capabilities, GetData, State, StatusObject};
use crate::status::{self, Status};
use crate::tlv;
use apdu_app::VecView;
use embedded_storage::nor_flash::NorFlash;
use rand_core::TryCryptoRng;

impl<N: NorFlash, R: TryCryptoRng> Tillcard<N, R> {
    pub(super) fn get_data(
        &mut self,
        object: GetData,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        match object {
            GetData::Status => {
                let state = if self.persistent.is_issued()? {
                    State::Issued {
                        network: self.persistent.identity()?.network,
                        tries_left: self.persistent.tries_left()?,
                    }
                } else {
                    State::Factory
                };
                StatusObject { state }.write(reply)?;
            }
            GetData::Capabilities => Capabilities::OWN.write(reply)?,
        }
        Ok(())
    }

    pub(super) fn get_challenge(&mut self, reply: &mut VecView<u8>) -> Result<(), Status> {
        self.require_issued()?;
        let mut challenge = [0; CHALLENGE_LENGTH];
        self.rng
            .try_fill_bytes(&mut challenge)
            .map_err(|_| status::EXECUTION_ERROR)?;
        self.volatile.challenge = Some(challenge);
        Ok(tlv::append(reply, &challenge)?)
    }
}
