//! The implementation conformance statement: what the card's maker says that it can do.

use crate::card::{Capabilities, Capability, VERSION};
use crate::report::CardReport;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Extended length, bit 0 of the capabilities.
const EXTENDED_LENGTH: u32 = 0;

/// What the card's maker says that it can do (the ICS of ISO/IEC 9646).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Ics {
    /// The version of the protocol text that it keeps to, major.minor.
    #[schema(pattern = r"^[0-9]+\.[0-9]+$")]
    pub protocol: String,
    /// Its answer to reset, in hexadecimal.
    #[schema(pattern = "^([0-9A-Fa-f]{2})+$")]
    pub atr: String,
    /// Which card it is.
    pub product: Product,
    /// Which options of the text it has.
    pub options: StatedOptions,
    /// How much it holds.
    pub sizes: Sizes,
}

/// Which card a statement is about, in its maker's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Product {
    /// The name under which it is sold.
    pub name: String,
    /// Who makes it.
    pub maker: String,
    /// The version of its software.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<String>,
}

/// The options of section 2.3, each of which a maker says yes or no to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StatedOptions {
    /// APDUs of extended length.
    pub extended_length: bool,
    /// An account key made on the card.
    pub made_key: bool,
    /// BIP340 nonces with auxiliary randomness.
    pub auxiliary_randomness: bool,
    /// An account key that is imported.
    pub imported_key: bool,
    /// Payments without PIN.
    pub payments_without_pin: bool,
    /// Credits.
    pub credits: bool,
    /// Signing for the owner.
    pub owner_signing: bool,
    /// Secure channels and genuineness.
    pub channels: bool,
    /// Statements.
    pub statements: bool,
}

/// How much a card holds, and how much fits into one command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Sizes {
    /// Most inputs of a payment.
    pub inputs: u8,
    /// Coins.
    pub coins: u16,
    /// Coins without roots.
    pub unrooted_coins: u8,
    /// PIN tries.
    pub pin_tries: u8,
    /// Payments in the log.
    pub log: u8,
    /// Most inputs of what the owner signs.
    pub owner_inputs: u8,
    /// Most outputs of what the owner signs.
    pub owner_outputs: u8,
}

impl Ics {
    /// A first statement, drawn from what a card shows. Its maker has yet to name it.
    #[must_use]
    pub fn of(card: &CardReport) -> Option<Self> {
        let shown = card.declared()?;
        let [major, minor] = shown.version;
        Some(Self {
            protocol: format!("{major}.{minor}"),
            atr: card.atr.clone(),
            product: Product {
                name: "name under which it is sold".to_owned(),
                maker: "who makes it".to_owned(),
                version: None,
            },
            options: StatedOptions::of(&shown),
            sizes: Sizes::of(&shown),
        })
    }

    /// Whether the text that it is about is the suite's.
    #[must_use]
    pub fn is_of_this_text(&self) -> bool {
        let [major, minor] = VERSION;
        self.protocol == format!("{major}.{minor}")
    }
}

impl StatedOptions {
    fn of(shown: &Capabilities) -> Self {
        let has = |capability| shown.declares(capability);
        Self {
            extended_length: shown.bits & (1 << EXTENDED_LENGTH) != 0,
            made_key: has(Capability::Made),
            auxiliary_randomness: has(Capability::AuxiliaryRandomness),
            imported_key: has(Capability::Imported),
            payments_without_pin: has(Capability::WithoutPin),
            credits: has(Capability::Credits),
            owner_signing: has(Capability::Signing),
            channels: has(Capability::Channel),
            statements: has(Capability::Statements),
        }
    }

    /// Each option by its name in the file.
    const fn named(&self) -> [(&'static str, bool); 9] {
        [
            ("extended-length", self.extended_length),
            ("made-key", self.made_key),
            ("auxiliary-randomness", self.auxiliary_randomness),
            ("imported-key", self.imported_key),
            ("payments-without-pin", self.payments_without_pin),
            ("credits", self.credits),
            ("owner-signing", self.owner_signing),
            ("channels", self.channels),
            ("statements", self.statements),
        ]
    }
}

impl Sizes {
    const fn of(shown: &Capabilities) -> Self {
        Self {
            inputs: shown.inputs,
            coins: shown.coins,
            unrooted_coins: shown.unrooted,
            pin_tries: shown.tries,
            log: shown.log,
            owner_inputs: shown.sign_inputs,
            owner_outputs: shown.sign_outputs,
        }
    }

    /// Each size by its name in the file.
    fn named(&self) -> [(&'static str, u16); 7] {
        [
            ("inputs", self.inputs.into()),
            ("coins", self.coins),
            ("unrooted-coins", self.unrooted_coins.into()),
            ("pin-tries", self.pin_tries.into()),
            ("log", self.log.into()),
            ("owner-inputs", self.owner_inputs.into()),
            ("owner-outputs", self.owner_outputs.into()),
        ]
    }
}

/// A maker's statement against what the card itself declares.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Declaration {
    /// What the statement promises and the card doesn't declare.
    pub over: Vec<String>,
    /// What the card declares and the statement leaves out.
    pub under: Vec<String>,
    /// What is otherwise than stated, and neither more nor less.
    pub other: Vec<String>,
}

impl Declaration {
    /// Compares a statement with what a card shows.
    #[must_use]
    pub fn compare(ics: &Ics, card: &CardReport) -> Self {
        let mut found = Self::default();
        if !ics.atr.eq_ignore_ascii_case(&card.atr) {
            found
                .other
                .push(format!("atr: {} stated, {} shown", ics.atr, card.atr));
        }
        let Some(shown) = card.declared() else {
            let nothing = "the card doesn't tell its capabilities";
            found.over.push(nothing.to_owned());
            return found;
        };
        let protocol = card.protocol.as_deref().unwrap_or("none");
        if ics.protocol != protocol {
            let stated = &ics.protocol;
            (found.other).push(format!("protocol: {stated} stated, {protocol} shown"));
        }
        let options = StatedOptions::of(&shown).named();
        for ((name, stated), (_, shown)) in ics.options.named().into_iter().zip(options) {
            match (stated, shown) {
                (true, false) => found.over.push(name.to_owned()),
                (false, true) => found.under.push(name.to_owned()),
                _ => {}
            }
        }
        let sizes = Sizes::of(&shown).named();
        for ((name, stated), (_, shown)) in ics.sizes.named().into_iter().zip(sizes) {
            let both = format!("{name}: {stated} stated, {shown} shown");
            match stated.cmp(&shown) {
                std::cmp::Ordering::Greater => found.over.push(both),
                std::cmp::Ordering::Less => found.under.push(both),
                std::cmp::Ordering::Equal => {}
            }
        }
        found
    }

    /// Whether statement and card say the same.
    #[must_use]
    pub const fn agrees(&self) -> bool {
        self.over.is_empty() && self.under.is_empty() && self.other.is_empty()
    }
}
