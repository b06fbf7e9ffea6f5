//! Cards that come and go at random while programs use them.

use crate::weather;

#[test]
fn ten_thousand_events_leave_everything_as_it_was() {
    weather::storm(10_000);
}
