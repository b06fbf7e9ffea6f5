//! A card under test: the commands as a case speaks them, and what the suite expects it to hold.
//!
//! Every method that returns an [`Answer`](crate::apdu::Answer) leaves its judgement to the case. Methods that return
//! something else have judged it: an answer that isn't the text's is a FAIL, a preparation that
//! isn't taken an INCONCLUSIVE; a link that fails, and a case that uses an account which it never
//! issued, are an ERROR.

mod channel;
mod coins;
mod data;
mod driver;
mod ending;
mod forms;
mod issue;
mod ledger;
mod owner;
mod payment;
mod personal;
mod pin;
mod power;
mod proof;
mod renewal;
mod rights;
pub(crate) mod samples;
pub(crate) mod secrets;
mod session;
mod sign;

pub use channel::{LONGEST_PROTECTED, OPEN_CHANNEL};
pub use coins::Entry;
pub use data::{Capabilities, Capability, Status};
pub use issue::{Host, IssueRecord};
pub use ledger::{
    ACKNOWLEDGE_LOG, Ledger, READ_COINS, READ_COINS_ON, READ_LOG, RESOLVE, SET_LIMITS, agree,
};
pub use owner::PLAIN_SESSION;
pub use payment::{GET_ANCESTOR, PAY, PAY_AGAIN, PAYMENT_STATE, PREVIEW, REPORT_ABSENT, STATEMENT};
pub use personal::{CERTIFICATES, END, GENERATE_OWN_KEYS, OwnKeys, certificates_of, put_data};
pub use pin::VERIFY;
pub use proof::{GENUINE, Signed, statement_field};
pub use renewal::Owner;
pub use rights::{
    CHANGE_OWNER_KEY, FACTORY_RESET, NEW_PIN, READ_ACCOUNT, READ_LIMITS, SAME_PIN, SET_POLICY,
    TERMINATE, judge_account, new_owner_body, new_pin_body,
};
pub(crate) use session::Card;
pub use session::{AID, Form, VERSION};
