//! What holder and till do: PREVIEW, PAY, GET ANCESTOR, STATEMENT.

use super::super::bytes::Bytes;
use super::{Deed, Run};
use tillcard_protocol::command::{
    AskStatement, GetAncestor, Pay, PaymentRequest, Place, Preview, Previewed, Source,
};
use tillcard_testkit::host::HOST;

/// What a payment asks for, as the steps say it.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    amount: u64,
    fee_rate: u32,
    payee_script: Vec<u8>,
    source: Source,
    identity: [u8; 16],
    merchant: &'static [u8],
    invoice: Option<[u8; 32]>,
}

impl Request {
    fn borrow(&self) -> PaymentRequest<'_> {
        PaymentRequest {
            amount: self.amount,
            fee_rate: self.fee_rate,
            payee_script: &self.payee_script,
            source: self.source,
            identity: self.identity,
            merchant: self.merchant,
            invoice: self.invoice.as_ref(),
        }
    }
}

impl Run {
    pub fn request(&self, bytes: &mut Bytes<'_>) -> Request {
        let amount = u64::from(bytes.u16());
        let scale = bytes.one_of(&[1, 4, 64, 1 << 30, u64::MAX]);
        let fee_rate = bytes.one_of(&[1_000, 100, 99, 20_000, 100_000, u32::MAX]);
        let kind = bytes.u8();
        let hash = [bytes.u8(); 32];
        let payee_script = match kind % 8 {
            0 => [&[0x00, 0x14][..], &hash[..20]].concat(),
            1 => [&[0x51, 0x20][..], &hash].concat(),
            2 => [&[0x00, 0x20][..], &hash].concat(),
            3 => [&[0xA9, 0x14][..], &hash[..20], &[0x87]].concat(),
            4 => [&[0x76, 0xA9, 0x14][..], &hash[..20], &[0x88, 0xAC]].concat(),
            5 => vec![hash[0]; 30],
            chain => {
                let place = Place {
                    chain: u32::from(chain & 1),
                    index: hash[0].into(),
                };
                HOST.script(self.host_account(), place).to_vec()
            }
        };
        let choices = bytes.u8();
        Request {
            amount: amount.wrapping_mul(scale),
            fee_rate,
            payee_script,
            source: if choices & 1 == 0 {
                Source::Rooted
            } else {
                Source::Unrooted
            },
            identity: [bytes.u8(); 16],
            merchant: [
                &b"Dairy"[..],
                b"",
                b"Milk\n",
                b"12345678901234567890123456789012",
            ][usize::from(choices >> 1 & 3)],
            invoice: (choices & 8 != 0).then_some([0x1F; 32]),
        }
    }

    pub fn preview(&mut self, bytes: &mut Bytes<'_>) {
        let request = self.request(bytes);
        let Ok(apdu) = Preview::to_apdu(request.borrow()) else {
            return;
        };
        let (answer, status) = self.send(apdu.as_bytes());
        if status == 0x9000 {
            let previewed = Previewed::parse(&answer).expect("a preview");
            assert_eq!(previewed.amount, request.amount);
            self.offered = previewed.outpoints.collect();
            assert!((1..=16).contains(&self.offered.len()));
            self.previewed = Some(request.clone());
        }
        self.last_request = Some(request);
    }

    pub fn pay(&mut self, request: Request) {
        let Ok(apdu) = Pay::to_apdu(request.borrow()) else {
            return;
        };
        let known = self.txids.len();
        let (_, status) = self.send(apdu.as_bytes());
        if status == 0x9000 {
            let is_new = self.txids.len() > known;
            let is_previewed = self.previewed.as_ref() == Some(&request);
            match (is_new, is_previewed) {
                (false, _) => self.did(Deed::Recovery),
                (true, true) => self.did(Deed::Payment),
                (true, false) => {}
            }
        }
        self.previewed = None;
        self.last_request = Some(request);
    }

    pub fn get_ancestor(&mut self, bytes: &mut Bytes<'_>) {
        let number = usize::from(bytes.u8());
        if let Some(txid) = self.txids.get(number).copied() {
            let (_, status) = self.send(GetAncestor(txid).to_apdu().as_bytes());
            self.did_if(status, Deed::Ancestor);
        }
    }

    pub fn ask_statement(&mut self, bytes: &mut Bytes<'_>) {
        let back = usize::from(bytes.u8());
        let nonce = [bytes.u8(); 32];
        if let Some(txid) = self.txids.iter().rev().nth(back).copied() {
            let ask = AskStatement { nonce, txid };
            let (_, status) = self.send(ask.to_apdu().as_bytes());
            self.did_if(status, Deed::Statement);
        }
    }
}
