//! Everything that takes bytes apart, on any bytes: no panic, and what reads
//! back the same was read the same.

use super::bytes::Bytes;
use iso7816::command::CommandView;
use tillcard_protocol::command::coin_image::CoinImage;
use tillcard_protocol::command::merchant::is_printable;
use tillcard_protocol::command::{
    AccountRecord, Capabilities, CardKeys, ChannelOpened, CoinEntered, Command, Commitment,
    GenuineProof, GetData, Header, InputSignature, Issued, Leaf, Limits, LimitsAnswer,
    LoggedPayment, OpenChannel, Pay, Place, Policy, Previewed, ProveGenuine, PutData,
    ReceiveScriptAnswer, ResetRetryCounter, Selected, SigningSummary, Statement, StatusObject,
};
use tillcard_protocol::pin::PinBlock;
use tillcard_protocol::tlv::Objects;

/// Takes the input apart in the way that its first byte names; answers what it
/// turned out to be.
pub fn run(input: &[u8]) -> Vec<&'static str> {
    let mut bytes = Bytes::new(input);
    let way = bytes.u8();
    let rest = bytes.take(input.len());
    match way % 4 {
        0 => command(rest).into_iter().collect(),
        1 => answers(rest),
        2 => image(rest).into_iter().collect(),
        _ => {
            values(rest);
            Vec::new()
        }
    }
}

fn command(bytes: &[u8]) -> Option<&'static str> {
    let (header, data) = take_apart(bytes)?;
    Some(match Command::parse(header, data) {
        Err(refused) => {
            assert!(super::status::is_listed(refused.into()));
            return None;
        }
        Ok(Command::Preview(request) | Command::Pay(request)) => {
            let apdu = Pay::to_apdu(request).expect("it came in a command");
            let (header, data) = take_apart(apdu.as_bytes()).expect("well formed");
            match Command::parse(header, data) {
                Ok(Command::Pay(again)) => {
                    assert_eq!(again, request);
                    assert_eq!(again.digest(), request.digest());
                }
                _ => panic!("a request doesn't read back"),
            }
            "PAY"
        }
        Ok(Command::Issue(issue)) => {
            let _ = (issue.network(), issue.leaf(), issue.limits(), issue.pin());
            let _ = issue.policy();
            "ISSUE"
        }
        Ok(Command::OpenChannel(open)) => {
            assert_eq!(
                reads_back(OpenChannel::to_apdu(open.client_key).as_bytes()),
                data
            );
            "INTERNAL AUTHENTICATE, channel"
        }
        Ok(Command::ProveGenuine(ProveGenuine { challenge })) => {
            assert_eq!(challenge, data);
            "INTERNAL AUTHENTICATE, genuineness"
        }
        Ok(Command::PutData(put)) => {
            assert_eq!(reads_back(put.to_apdu().expect("it fits").as_bytes()), data);
            match put {
                PutData::Piece { .. } => "PUT DATA",
                PutData::End => "a command without data",
            }
        }
        Ok(Command::GetData(get @ GetData::Certificates(_))) => {
            assert_eq!(reads_back(get.to_apdu().as_bytes()), data);
            "GET DATA, certificates"
        }
        Ok(Command::SetPolicy(set)) => {
            let _ = set.command.policy();
            "SET POLICY"
        }
        Ok(Command::Statement(ask)) => {
            assert_eq!(reads_back(ask.to_apdu().as_bytes()), data);
            "STATEMENT"
        }
        Ok(Command::FactoryReset(_)) => "FACTORY RESET",
        Ok(Command::Terminate(_)) => "TERMINATE CARD USAGE",
        Ok(Command::EnterCoin(_)) => "ENTER COIN",
        Ok(Command::ReadCoins(_)) => "READ COINS",
        Ok(Command::ReportAbsent(_)) => "REPORT ABSENT",
        Ok(Command::GetAncestor(_)) => "GET ANCESTOR",
        Ok(Command::ReadLog(_)) => "READ LOG",
        Ok(Command::AcknowledgeLog(_)) => "ACKNOWLEDGE LOG",
        Ok(Command::SetLimits(_)) => "SET LIMITS",
        Ok(Command::ResetRetryCounter(reset)) => {
            if let ResetRetryCounter::New(signed) = reset {
                let _ = signed.command.pin();
            }
            "RESET RETRY COUNTER"
        }
        Ok(Command::ChangeOwnerKey(_)) => "CHANGE OWNER KEY",
        Ok(Command::ReadLimits(_)) => "READ LIMITS",
        Ok(Command::ReadAccount(_)) => "READ ACCOUNT",
        Ok(Command::Sign(_)) => "SIGN",
        Ok(Command::Resolve(_)) => "RESOLVE",
        Ok(Command::Verify(_)) => "VERIFY",
        Ok(_) => "a command without data",
    })
}

/// Header and data field of a command.
fn take_apart(bytes: &[u8]) -> Option<(Header, &[u8])> {
    let view = CommandView::try_from(bytes).ok()?;
    let class = view.class().into_inner();
    let header = [class, view.instruction().into(), view.p1, view.p2];
    Some((header, view.data()))
}

/// The data field of a command that was written anew.
fn reads_back(apdu: &[u8]) -> &[u8] {
    take_apart(apdu).expect("well formed").1
}

fn answers(bytes: &[u8]) -> Vec<&'static str> {
    let previewed = Previewed::parse(bytes);
    if let Ok(previewed) = &previewed {
        let outpoints = previewed.outpoints.clone().count();
        assert!((1..=bytes.len() / 36).contains(&outpoints));
    }
    let account = AccountRecord::parse(bytes);
    if let Ok(account) = &account {
        let _ = account.record().digest();
    }
    let logged = LoggedPayment::parse(bytes);
    if let Ok(logged) = &logged {
        assert!(logged.outpoints.clone().count() > 0 && logged.merchant.len() <= 32);
    }
    let statement = Statement::parse(bytes);
    if let Ok(statement) = &statement {
        assert_eq!(
            statement.outpoints.len() / 36,
            statement.output_keys.len() / 32
        );
    }
    [
        ("SELECT's answer", Selected::parse(bytes).is_ok()),
        ("status", StatusObject::parse(bytes).is_ok()),
        ("capabilities", Capabilities::parse(bytes).is_ok()),
        ("commitment", Commitment::parse(bytes).is_ok()),
        ("issue record", Issued::parse(bytes).is_ok()),
        ("account", account.is_ok()),
        ("limits", LimitsAnswer::parse(bytes).is_ok()),
        ("receive script", ReceiveScriptAnswer::parse(bytes).is_ok()),
        ("coin entered", CoinEntered::parse(bytes).is_ok()),
        ("signature", InputSignature::parse(bytes).is_ok()),
        ("signing summary", SigningSummary::parse(bytes).is_ok()),
        ("preview", previewed.is_ok()),
        ("channel opened", ChannelOpened::parse(bytes).is_ok()),
        ("proof of genuineness", GenuineProof::parse(bytes).is_ok()),
        ("own keys", CardKeys::parse(bytes).is_ok()),
        ("statement", statement.is_ok()),
        ("logged payment", logged.is_ok()),
    ]
    .into_iter()
    .filter_map(|(name, is_one)| is_one.then_some(name))
    .collect()
}

fn image(bytes: &[u8]) -> Option<&'static str> {
    // Alone, and with a checksum that is right: no fuzzer is to find that.
    let _ = CoinImage::parse(bytes);
    let mut checksum = tillcard_protocol::command::coin_image::Checksum::default();
    checksum.update(bytes);
    let sealed = [bytes, &checksum.to_bytes()].concat();
    let image = CoinImage::parse(&sealed).ok()?;
    assert_eq!(image.coins().count(), usize::from(image.header.coins));
    (image.header.coins > 0).then_some("coin image")
}

fn values(bytes: &[u8]) {
    if is_printable(bytes) {
        let text = core::str::from_utf8(bytes).expect("printable text is UTF-8");
        assert!(text.chars().all(|c| !c.is_control()));
    }
    if let Some(block) = bytes.first_chunk()
        && let Some(pin) = PinBlock::from_bytes(block)
    {
        assert_eq!(pin.as_bytes(), block);
    }
    if let Some(limits) = bytes.first_chunk() {
        assert_eq!(&Limits::from_bytes(limits).to_bytes(), limits);
        let _ = Limits::from_bytes(limits).validate();
    }
    if let Some(bytes) = bytes.first_chunk()
        && let Some(leaf) = Leaf::from_bytes(bytes)
    {
        assert_eq!(&leaf.to_bytes(), bytes);
    }
    if let Some(byte) = bytes.first()
        && let Some(policy) = Policy::from_byte(*byte)
    {
        assert_eq!(policy.to_byte(), *byte);
    }
    if let Some(place) = bytes.first_chunk() {
        let place = u32::from_be_bytes(*place);
        assert_eq!(Place::from_u32(place).to_u32(), place);
    }
    let mut objects = Objects::new(bytes);
    for tag in 0x80..0x90 {
        if objects.next(tag).is_err() {
            break;
        }
    }
    let _ = objects.end();
}
