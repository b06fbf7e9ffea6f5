//! Examples at the end of help pages. A test reads each line of them as the program would.

/// `tillcard --help`.
pub(super) const ALL: &str = "\
Amounts are in sat, fee rates in sat/vB. Exit codes and errors: docs/errors/host.md

Examples:
  tillcard owner new
  tillcard till pay --amount 21000 --to bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";

/// `tillcard owner --help`.
pub(super) const OWNER: &str = "\
Examples, from a new wallet to a card that pays in shops:
  tillcard owner new
  tillcard owner address
  tillcard owner issue --label \"milk money\" --per-payment 50000
  tillcard owner topup --amount 100000
  tillcard owner status

And when the card is lost:
  tillcard owner block";

/// `tillcard owner issue --help`.
pub(super) const ISSUE: &str = "\
Examples:
  tillcard owner issue --label \"milk money\"
  tillcard owner issue --per-payment 50000 --without-pin 5000";

/// `tillcard owner topup --help`.
pub(super) const TOP_UP: &str = "\
Examples:
  tillcard owner topup --amount 100000
  tillcard owner topup --card 1 --amount \"100,000 sat\" --fee-rate 1.5

The card is told of top-ups that it hasn't heard of:
  tillcard owner topup";

/// `tillcard owner block --help`.
pub(super) const BLOCK: &str = "\
Examples:
  tillcard owner block --card 1
  tillcard owner block --card 1 --fee-rate 20 --replace-unconfirmed";

/// `tillcard owner sign --help`.
pub(super) const SIGN: &str = "\
Example:
  tillcard owner sign payment.psbt --output signed.psbt";

/// `tillcard till --help`.
pub(super) const TILL: &str = "\
Examples:
  tillcard till pay --amount 21000 --to bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080
  tillcard till resume";

/// `tillcard till pay --help`.
pub(super) const PAY: &str = "\
Exit codes: 0 settled, 3 declined or conflicted, 4 open (it may still be paid), 1 not begun.

Examples:
  tillcard till pay --amount 21000 --to bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080
  tillcard till pay --amount 5000 --to bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080 --no-pin
  tillcard till pay --chain core:signet --confirmations 2 --merchant \"Corner shop\" \
--amount 21000 --to tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx";

/// `tillcard till resume --help`.
pub(super) const RESUME: &str = "\
Example:
  tillcard till resume --reader ACS";

/// `tillcard till close --help`.
pub(super) const CLOSE: &str = "\
Example, with the name that `till pay` told:
  tillcard till close 6f1c2a90d4e8b735";

/// `tillcard till serve --help`.
pub(super) const SERVE: &str = "\
Examples:
  tillcard till serve
  tillcard till serve --chain core:signet --confirmations 2 --merchant \"Corner shop\"";

/// `tillcard till key --help`.
pub(super) const KEY: &str = "\
Examples:
  tillcard till key new clerk --scope read,take
  tillcard till key list";

/// `tillcard till webhook --help`.
pub(super) const WEBHOOK: &str = "\
Examples:
  tillcard till webhook new https://shop.example/tillcard --event payment.settled,payment.conflicted
  tillcard till webhook list
  tillcard till webhook replay 0011223344556677 --after 4711";

/// `tillcard personalise --help`.
pub(super) const PERSONALISE: &str = "\
Examples, from a root to a card:
  tillcard personalise root --name \"Acme Cards root\" --out acme-root
  tillcard personalise batch --root acme-root --name \"Acme Cards 2026-07\" --out acme-2026-07
  tillcard personalise card --batch acme-2026-07 --keep cards
  tillcard personalise revoke --by acme-2026-07 --list acme-2026-07.crl --serial 0A1B2C

A test card, without a manufacturer:
  tillcard personalise card --test-root";

/// `tillcard mine --help`.
pub(super) const MINE: &str = "\
Example:
  tillcard mine --blocks 101 --to bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";

/// `tillcard regtest --help`.
#[cfg(feature = "regtest")]
pub(super) const REGTEST: &str = "\
It prints the --chain by which other commands reach it.

Example:
  tillcard regtest --port 0";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use crate::cli::Arguments;

    /// The words of a line, quoted ones in one piece.
    fn words(line: &str) -> Vec<String> {
        let in_quotes = line.split('"').enumerate();
        in_quotes
            .flat_map(|(number, part)| match number % 2 {
                1 => vec![part.to_owned()],
                _ => part.split_whitespace().map(str::to_owned).collect(),
            })
            .collect()
    }

    fn examples(command: &clap::Command) -> Vec<Vec<String>> {
        let help = command.get_after_help().map(ToString::to_string);
        let own = help.unwrap_or_default();
        let lines = own.lines().filter(|line| line.starts_with("  tillcard "));
        lines.map(words).collect()
    }

    #[test]
    fn every_top_command_has_an_example_and_every_example_is_understood() {
        let all = Arguments::command();
        for command in all.get_subcommands() {
            let name = command.get_name();
            assert!(name == "demo" || !examples(command).is_empty(), "{name}");
        }
        let mut commands = vec![all.clone()];
        let mut read = 0;
        while let Some(command) = commands.pop() {
            for example in examples(&command) {
                let understood = all.clone().try_get_matches_from(&example);
                assert!(understood.is_ok(), "{example:?}: {understood:?}");
                read += 1;
            }
            commands.extend(command.get_subcommands().cloned());
        }
        assert!(read > 20, "{read}");
    }
}
