//! What the owner does: coins, owner commands, signatures, and the card's next life.

use super::super::bytes::Bytes;
use super::{Deed, Run};
use tillcard_applet::persistent::Persistent;
use tillcard_protocol::command::{
    AcknowledgeLog, BeginReading, Certificate, EnterCoin, FactoryReset, GenerateCardKeys,
    GetChallenge, Limits, NewPin, Outpoint, OutputPayee, OwnerCommand, PIECE_MAX, Place, Policy,
    PutData, ReadAccount, ReadLimits, ReadLog, Resolve, SamePin, SetLimits, SetPolicy, Sign,
    SigningInput, SigningOutput, Terminate, Unsigned,
};
use tillcard_testkit::host::{self, Bound, HOST, announced};

impl Run {
    pub fn enter(&mut self, bytes: &mut Bytes<'_>, unrooted: bool) {
        let place = bytes.u8();
        let place = Place {
            chain: u32::from(place >> 7),
            index: u32::from(place & 0x7F),
        };
        let amount = u64::from(bytes.u16()) * bytes.one_of(&[1, 16, 1 << 40]);
        let transaction = HOST.transaction(self.host_account(), place, amount, bytes.u8());
        let announced = announced(&transaction, place);
        let piece = usize::from(bytes.one_of(&[255u8, 40, 7]));
        let (_, begun) = if unrooted {
            self.send(EnterCoin::credit(&announced).as_bytes())
        } else {
            self.owner(&announced)
        };
        if begun != 0x9000 {
            return;
        }
        let mut status = 0;
        for piece in transaction.chunks(piece.min(PIECE_MAX)) {
            let apdu = EnterCoin::piece(piece).expect("it fits");
            status = self.send(apdu.as_bytes()).1;
            if status != 0x9000 {
                return;
            }
        }
        if status == 0x9000 {
            let mut persistent = Persistent::open(self.link.card.nvm().clone());
            let found = persistent.find_coin(&announced.txid, announced.vout);
            let (_, coin) = found.expect("the table reads").expect("the coin is in");
            assert_eq!(
                (coin.amount, coin.place, coin.unrooted),
                (amount, place, unrooted)
            );
            self.did(if unrooted { Deed::Credit } else { Deed::Entry });
        }
    }

    /// What an owner's signature is bound to now.
    pub fn bound(&self) -> Bound {
        Bound {
            account: self.host_account(),
            session: self.link.session(),
        }
    }

    fn challenge(&mut self) -> Vec<u8> {
        self.send(GetChallenge::to_apdu().as_bytes()).0
    }

    fn owner<C: OwnerCommand>(&mut self, command: &C) -> (Vec<u8>, u16) {
        let challenge = self.challenge();
        let apdu = HOST.command(self.bound(), &challenge, command);
        self.send(&apdu)
    }

    /// Any bytes as an owner command.
    fn owner_bytes(&mut self, header: [u8; 4], body: &[u8]) -> u16 {
        let challenge = self.challenge();
        let signature = HOST.sign_bytes(self.bound(), &challenge, header, body);
        let length = (body.len() + 66) as u8;
        let apdu = [
            &header[..],
            &[length],
            body,
            &[0x9E, 0x40],
            &signature,
            &[0],
        ]
        .concat();
        self.send(&apdu).1
    }

    /// Any bytes, signed by the owner.
    pub fn signed_bytes(&mut self, bytes: &mut Bytes<'_>) {
        let header = [0x80, bytes.u8(), bytes.u8(), bytes.u8()];
        let body = bytes.take(70);
        self.owner_bytes(header, body);
    }

    pub fn owner_command(&mut self, bytes: &mut Bytes<'_>) {
        let kind = bytes.u8();
        let byte = bytes.u8();
        let number = u32::from(byte);
        let (_, status) = match kind % 13 {
            0 => self.owner(&ReadLog(number)),
            1 => {
                let settled = number.saturating_sub(bytes.u8().into());
                self.owner(&AcknowledgeLog {
                    seen: number,
                    settled,
                })
            }
            2 => self.owner(&Resolve(number)),
            3 => self.owner(&BeginReading),
            4 => {
                let limits = Limits {
                    payments: number as u16,
                    per_payment: u64::from(bytes.u8()) << 12,
                    ..host::LIMITS
                };
                self.owner(&SetLimits(limits))
            }
            5 => self.owner(&ReadLimits),
            6 => self.owner(&ReadAccount),
            7 => {
                let challenge = self.challenge();
                let apdu = HOST.change_key(self.bound(), &challenge);
                self.send(&apdu)
            }
            8 => self.owner(&SamePin),
            9 => (Vec::new(), self.new_pin(bytes)),
            10 => self.owner(&SetPolicy::new(policy(byte))),
            11 => self.owner(&FactoryReset),
            _ => self.owner(&Terminate),
        };
        self.did_if(status, Deed::OwnerCommand);
    }

    /// RESET RETRY COUNTER with a block of these bytes, well formed or not.
    fn new_pin(&mut self, bytes: &mut Bytes<'_>) -> u16 {
        let mut block = *HOST.pin.as_bytes();
        for byte in &mut block[1..] {
            *byte ^= bytes.u8();
        }
        self.owner_bytes(NewPin::HEADER, &[&[0x84, 0x08], &block[..]].concat())
    }

    /// ISSUE, of a card that went back to the factory state.
    pub fn issue(&mut self, bytes: &mut Bytes<'_>) {
        let apdu = HOST.issue_again(policy(bytes.u8()));
        let (_, status) = self.send(&apdu);
        self.did_if(status, Deed::Issue);
    }

    /// All of the personalisation, or but the card's own keys.
    pub fn personalise(&mut self, bytes: &mut Bytes<'_>) {
        self.send(GenerateCardKeys::to_apdu().as_bytes());
        if bytes.u8() != 0 {
            return;
        }
        let piece = [0x30; 40];
        for certificate in Certificate::ALL {
            let put = PutData::Piece {
                certificate,
                number: 0,
                bytes: &piece,
            };
            self.send(put.to_apdu().expect("it fits").as_bytes());
        }
        let end = PutData::End.to_apdu().expect("it fits");
        let (_, status) = self.send(end.as_bytes());
        self.did_if(status, Deed::Personalisation);
    }

    pub fn sign(&mut self, bytes: &mut Bytes<'_>) {
        let inputs = usize::from(bytes.u8() % 6);
        let outputs = usize::from(bytes.u8() % 6);
        let mut spent = Vec::new();
        let mut stream = Vec::new();
        for _ in 0..inputs {
            let input = signing_input(bytes);
            spent.push((input.outpoint, input.place));
            stream.extend_from_slice(&input.to_bytes());
        }
        for _ in 0..outputs {
            let amount = u64::from(bytes.u16());
            let to = bytes.u8();
            let other = vec![to; usize::from(to)];
            let payee = if to & 1 == 0 {
                let index = u32::from(to >> 2);
                OutputPayee::Own(Place {
                    chain: u32::from(to >> 1 & 1),
                    index,
                })
            } else {
                OutputPayee::Other(&other)
            };
            if let Ok(output) = (SigningOutput { amount, payee }).to_bytes() {
                stream.extend_from_slice(&output);
            }
        }
        let choices = bytes.u8();
        let mut digest = sha256(&stream);
        digest[0] ^= choices >> 4 & 1;
        let unsigned = Unsigned {
            version: u32::from(choices & 3),
            lock_time: 0,
            inputs: inputs as u8,
            outputs: outputs as u8,
            digest,
        };
        if self.owner(&unsigned).1 != 0x9000 {
            return;
        }
        // From here on, what is signed is this.
        self.signing = spent;
        let piece = if choices & 4 == 0 { PIECE_MAX } else { 11 };
        for piece in stream.chunks(piece) {
            let apdu = Sign::piece(piece).expect("it fits");
            if self.send(apdu.as_bytes()).1 != 0x9000 {
                return;
            }
        }
        for input in 0..inputs {
            let (_, status) = self.send(Sign::input(input as u8).as_bytes());
            self.did_if(status, Deed::Signature);
        }
    }
}

/// An input of the owner's transaction: a coin of the card, or one that it doesn't
/// know.
fn signing_input(bytes: &mut Bytes<'_>) -> SigningInput {
    let place = bytes.u8();
    let place = Place {
        chain: u32::from(place >> 7),
        index: u32::from(place & 0x7F),
    };
    let coin = bytes.u8();
    let sequence = bytes.one_of(&[u32::MAX, 0xFFFF_FFFD, 0]);
    let amount = u64::from(bytes.u16()) * bytes.one_of(&[1, 16, 1 << 40]);
    if coin >= 0xF0 {
        let (known, amount) = HOST.coin(coin & 0x0F);
        return SigningInput {
            outpoint: Outpoint {
                txid: known.txid,
                vout: known.vout,
            },
            sequence,
            amount,
            place: known.place,
        };
    }
    SigningInput {
        outpoint: Outpoint {
            txid: [coin; 32],
            vout: 1,
        },
        sequence,
        amount,
        place,
    }
}

fn policy(byte: u8) -> Policy {
    Policy {
        plain_sessions: byte & 1 != 0,
        statements: byte & 2 != 0,
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes).into()
}
