//! A payment as wallets read it: a `bitcoin:` URI (BIP21), and its QR code.

use bitcoin::Amount;
use qrcode::QrCode;
use qrcode::render::svg;

/// The URI that asks for this amount to this address.
pub(crate) fn uri(address: &str, amount: Amount) -> String {
    // BIP21 has the amount in bitcoin, and no more digits than are needed.
    let text = amount.to_string_in(bitcoin::Denomination::Bitcoin);
    let amount = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    format!("bitcoin:{address}?amount={amount}")
}

/// The QR code of a text, as an SVG image; nothing when the text is too long for one.
pub(crate) fn qr_code(text: &str) -> Option<String> {
    let code = QrCode::new(text).ok()?;
    // Black on white whatever the page's colours: that is what cameras find.
    let mut image = code.render::<svg::Color<'_>>();
    Some(image.min_dimensions(240, 240).build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_in_bitcoin() {
        for (sat, text) in [
            (21_000, "0.00021"),
            (1, "0.00000001"),
            (100_000_000, "1"),
            (2_050_000_000, "20.5"),
            (1_000_000_000, "10"),
        ] {
            let uri = uri("bcrt1q", Amount::from_sat(sat));
            assert_eq!(uri, format!("bitcoin:bcrt1q?amount={text}"));
        }
    }

    #[test]
    fn a_code_is_an_image() {
        let image = qr_code("bitcoin:bcrt1q?amount=1").unwrap();
        assert!(image.contains("<svg") && image.contains("<path"));
        assert_eq!(qr_code(&"x".repeat(10_000)), None);
    }
}
