use super::*;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

struct Till {
    book: Book,
    webhook: String,
    _folder: tempfile::TempDir,
}

impl Till {
    fn with(kinds: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let book = Book::open(folder.path()).unwrap();
        let target = Target::parse("http://127.0.0.1:1/").unwrap();
        let kinds: Vec<_> = kinds.iter().map(|&kind| kind.to_owned()).collect();
        let (Webhook { id, .. }, _) = book.new_webhook(&target, &kinds).unwrap();
        Self {
            book,
            webhook: id,
            _folder: folder,
        }
    }

    fn announce(&self, kind: &str) {
        self.book.announce(kind, &json!({})).unwrap();
    }

    #[track_caller]
    fn due(&self, now: Moment) -> Due {
        match self.book.next_delivery(&self.webhook, now).unwrap() {
            NextDelivery::Due(due) => due,
            NextDelivery::Later(at) => panic!("later: {}", at.text()),
            NextDelivery::Nothing => panic!("nothing"),
            NextDelivery::Removed => panic!("removed"),
        }
    }

    fn has_nothing(&self, now: Moment) -> bool {
        let next = self.book.next_delivery(&self.webhook, now).unwrap();
        matches!(next, NextDelivery::Nothing)
    }

    fn tried(&self, due: &Due, outcome: &Outcome, now: Moment) {
        let webhook = &self.webhook;
        self.book.tried(webhook, due, outcome, now).unwrap();
    }

    fn fail(&self, due: &Due, now: Moment) {
        self.tried(due, &Outcome::Failed("it answered 500".to_owned()), now);
    }

    fn view(&self) -> Webhook {
        self.book.webhook(&self.webhook).unwrap()
    }
}

#[test]
fn events_are_due_in_their_order_and_of_the_kinds_that_are_wanted() {
    let till = Till::with(&["payment.*", "till.updated"]);
    let now = Moment::now();
    for kind in [
        "payment.created",
        "reader.updated",
        "till.updated",
        "payments",
    ] {
        till.announce(kind);
    }
    assert_eq!(till.view().waiting, 2);
    for number in [1, 3] {
        let due = till.due(now);
        assert_eq!(due.number, number);
        till.tried(&due, &Outcome::Delivered, now);
    }
    assert!(till.has_nothing(now));
}

#[test]
fn an_event_is_tried_for_three_days_and_less_and_less_often() {
    let till = Till::with(&["*"]);
    till.announce("payment.created");
    let begun = Moment::now();
    let mut now = begun;
    let mut tries = 0;
    while till.view().given_up == 0 {
        let due = till.due(now);
        assert_eq!(due.number, 1, "the next one waits");
        till.fail(&due, now);
        tries += 1;
        if tries == 10 {
            till.announce("payment.settled");
        }
        let next = till.view().next_try_at.unwrap();
        assert!(now < next && next <= now.plus(LONGEST_PAUSE));
        now = next;
    }
    let after = Duration::from_millis((now.0 - begun.0).try_into().unwrap());
    assert!(after >= 3 * DAY && after < 3 * DAY + 2 * LONGEST_PAUSE);
    assert!((50..100).contains(&tries), "{tries} tries");
    // Both were made at the same time.
    assert_eq!((till.view().given_up, till.view().waiting), (2, 0));
}

#[test]
fn what_is_younger_than_three_days_is_not_given_up_with_what_is_older() {
    let till = Till::with(&["*"]);
    till.announce("payment.created");
    let later = Moment::now().plus(3 * DAY + MINUTE);
    let old = till.due(later);
    till.book
        .change(|book| super::super::events::add(book, "payment.settled", &json!({}), later))
        .unwrap();
    till.fail(&old, later);
    let view = till.view();
    assert_eq!((view.position, view.given_up, view.waiting), (1, 1, 1));
    assert_eq!(till.due(later.plus(MINUTE)).number, 2);
}

#[test]
fn a_replay_begins_anew() {
    let till = Till::with(&["*"]);
    till.announce("payment.created");
    till.announce("payment.settled");
    let now = Moment::now();
    let first = till.due(now);
    till.fail(&first, now);
    let next = till.book.next_delivery(&till.webhook, now).unwrap();
    assert!(matches!(next, NextDelivery::Later(_)));
    till.book.replay_webhook(&till.webhook, None).unwrap();
    for _ in 0..2 {
        till.tried(&till.due(now), &Outcome::Delivered, now);
    }
    assert!(till.has_nothing(now));
    till.book.replay_webhook(&till.webhook, Some(1)).unwrap();
    let second = till.due(now);
    assert_eq!(second.number, 2);
    // A try of before says nothing of the replay.
    till.book.replay_webhook(&till.webhook, Some(0)).unwrap();
    till.tried(&second, &Outcome::Delivered, now);
    assert_eq!(till.due(now).id, first.id, "the same name at each try");
}

#[test]
fn who_is_gone_gets_nothing_until_he_is_back() {
    let till = Till::with(&["*"]);
    till.announce("payment.created");
    let now = Moment::now();
    till.tried(&till.due(now), &Outcome::Gone, now);
    assert!(till.has_nothing(now) && !till.view().active);
    till.book.replay_webhook(&till.webhook, None).unwrap();
    assert_eq!(till.due(now).number, 1);
}

#[test]
fn the_old_secret_signs_for_a_day() {
    let till = Till::with(&["*"]);
    till.announce("payment.created");
    let now = Moment::now();
    let before = till.due(now).secrets.remove(0);
    let (_, secret) = till.book.rotate_webhook(&till.webhook).unwrap();
    let signing: Vec<_> = till.due(now).secrets;
    let signing: Vec<_> = signing.iter().map(Secret::as_bytes).collect();
    assert_eq!(signing, [secret.as_bytes(), before.as_bytes()]);
    let later = till.due(now.plus(DAY + MINUTE)).secrets;
    assert_eq!(later.len(), 1);
}

#[test]
fn there_are_so_many_and_no_more() {
    let till = Till::with(&["*"]);
    let target = Target::parse("https://shop.example").unwrap();
    let more = || till.book.new_webhook(&target, &["*".to_owned()]);
    for _ in 1..MAX {
        more().unwrap();
    }
    assert!(matches!(more(), Err(ServiceError::Invalid(_))));
}

#[test]
fn a_file_of_before_gets_the_tables_that_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(super::super::FILE);
    let old = bdk_wallet::rusqlite::Connection::open(file).unwrap();
    old.execute_batch(super::super::TABLES).unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    drop(old);
    for _ in 0..2 {
        let book = Book::open(folder.path()).unwrap();
        assert!(book.webhooks().unwrap().is_empty());
    }
}
