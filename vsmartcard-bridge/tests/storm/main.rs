//! Cards that come and go at random while programs use them. In a process of its own, whose threads and
//! files are counted.

#[path = "../support/mod.rs"]
mod support;

mod weather;

#[test]
fn three_hundred_events_leave_everything_as_it_was() {
    weather::storm(300);
}
