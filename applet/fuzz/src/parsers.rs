//! Everything that takes bytes apart, on any bytes: no panic, and what reads
//! back the same was read the same.

use super::bytes::Bytes;
use iso7816::command::CommandView;
use tillcard_applet::command::coin_image::CoinImage;
use tillcard_applet::command::merchant::is_printable;
use tillcard_applet::command::{
    Capabilities, CoinEntered, Command, Commitment, InputSignature, Issued, Leaf, Limits,
    LoggedPayment, Pay, Place, Previewed, ReceiveScriptAnswer, Selected, SigningSummary,
    StatusObject,
};
use tillcard_applet::pin::PinBlock;
use tillcard_applet::tlv::Objects;

/// Takes the input apart in the way that its first byte names.
pub fn run(input: &[u8]) {
    let mut bytes = Bytes::new(input);
    let way = bytes.u8();
    let rest = bytes.take(input.len());
    match way % 4 {
        0 => command(rest),
        1 => answers(rest),
        2 => image(rest),
        _ => values(rest),
    }
}

fn command(bytes: &[u8]) {
    let Ok(view) = CommandView::try_from(bytes) else {
        return;
    };
    match Command::try_from(view) {
        Ok(Command::Preview(request) | Command::Pay(request)) => {
            let apdu = Pay::to_apdu(request).expect("it came in a command");
            let again = CommandView::try_from(apdu.as_bytes()).expect("well formed");
            match Command::try_from(again) {
                Ok(Command::Pay(again)) => {
                    assert_eq!(again, request);
                    assert_eq!(again.digest(), request.digest());
                }
                _ => panic!("a request doesn't read back"),
            }
        }
        Ok(Command::Issue(issue)) => {
            let _ = (issue.network(), issue.leaf(), issue.limits(), issue.pin());
        }
        Ok(_) => {}
        Err(refused) => assert!(super::status::is_listed(refused.into())),
    }
}

fn answers(bytes: &[u8]) {
    let _ = Selected::parse(bytes);
    let _ = StatusObject::parse(bytes);
    let _ = Capabilities::parse(bytes);
    let _ = Commitment::parse(bytes);
    let _ = Issued::parse(bytes);
    let _ = ReceiveScriptAnswer::parse(bytes);
    let _ = CoinEntered::parse(bytes);
    let _ = InputSignature::parse(bytes);
    let _ = SigningSummary::parse(bytes);
    if let Ok(previewed) = Previewed::parse(bytes) {
        assert!((1..=bytes.len() / 36).contains(&previewed.outpoints.count()));
    }
    if let Ok(logged) = LoggedPayment::parse(bytes) {
        assert!(logged.outpoints.count() > 0 && logged.merchant.len() <= 32);
    }
}

fn image(bytes: &[u8]) {
    // Alone, and with a checksum that is right: no fuzzer is to find that.
    let _ = CoinImage::parse(bytes);
    let mut checksum = tillcard_applet::command::coin_image::Checksum::default();
    checksum.update(bytes);
    let sealed = [bytes, &checksum.to_bytes()].concat();
    if let Ok(image) = CoinImage::parse(&sealed) {
        assert_eq!(image.coins().count(), usize::from(image.header.coins));
    }
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
