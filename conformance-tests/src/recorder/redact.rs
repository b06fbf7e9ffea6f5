//! Commands without the secrets that they bring.

/// The INS byte of VERIFY, whose data field never goes into a trace.
const INS_VERIFY: u8 = 0x20;
/// Header and Lc of a command that brings secrets, and where they are: in ISSUE the imported key
/// and the PIN block, in RESET RETRY COUNTER the PIN block.
type Secretive = ([u8; 5], &'static [(std::ops::Range<usize>, &'static str)]);
const SECRETIVE: [Secretive; 3] = [
    ([0x80, 0x10, 0x00, 0x00, 171], &[(115..123, "<pin>")]),
    (
        [0x80, 0x10, 0x01, 0x00, 203],
        &[(10..42, "<key>"), (147..155, "<pin>")],
    ),
    ([0x00, 0x2C, 0x02, 0x80, 76], &[(7..15, "<pin>")]),
];

/// A command in hexadecimal, without the secrets of commands whose form tells where they are.
pub(super) fn without_secrets(command: &[u8]) -> String {
    if let [_, INS_VERIFY, _, _, _, field @ ..] = command
        && !field.is_empty()
    {
        return format!("{}<pin:{}>", hex::encode_upper(&command[..5]), field.len());
    }
    let secrets = (SECRETIVE.iter())
        .find(|(header, _)| command.starts_with(header))
        .map_or(&[][..], |(_, secrets)| secrets);
    let mut text = String::new();
    let mut at = 0;
    for (secret, name) in secrets
        .iter()
        .filter(|(range, _)| range.end <= command.len())
    {
        text += &hex::encode_upper(&command[at..secret.start]);
        text += name;
        at = secret.end;
    }
    text + &hex::encode_upper(&command[at..])
}
