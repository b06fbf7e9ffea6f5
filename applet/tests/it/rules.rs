//! The owner's limits, what his acknowledgement and renewal do, and payments
//! without PIN.

use crate::support::*;
use tillcard_protocol::command::{
    AcknowledgeLog, Limits, LoggedPayment, PaymentRequest, PaymentState, ReadLog, ReceiveScript,
    ReceiveScriptAnswer, Resolve, SetLimits, Source,
};

type Card = tillcard_applet::Card<tillcard_runtime::nvm::RamNvm, rand_chacha::ChaCha20Rng>;

/// A card with these limits and a coin of a million sat, and one of 100 000.
fn limited(seed: u64, limits: Limits) -> (Card, Owner) {
    let (mut card, owner) = funded(seed, &[1_000_000, 100_000]);
    assert_eq!(owner.command(&mut card, &SetLimits(limits)).1, 0x9000);
    (card, owner)
}

fn pay_with_pin(card: &mut Card, owner: &Owner, request: PaymentRequest<'_>) -> u16 {
    assert_eq!(owner.verify(card, PIN), 0x9000);
    pay(card, request).1
}

#[test]
fn each_limit_refuses_with_its_own_word() {
    let limits = Limits {
        per_payment: 50_000,
        cumulative: 110_000,
        payments: 3,
        fee_cap: 400,
        least_fee_rate: 1_000,
        highest_fee_rate: 10_000,
        ..LIMITS
    };
    let (mut card, owner) = limited(60, limits);
    let milk = p2wpkh(4);
    let asked = request(&milk, 50_000);
    let mut try_pay = |request| pay_with_pin(&mut card, &owner, request);
    assert_eq!(
        try_pay(PaymentRequest {
            amount: 50_001,
            ..asked
        }),
        0x9403
    );
    assert_eq!(
        try_pay(PaymentRequest {
            fee_rate: 999,
            ..asked
        }),
        0x9405
    );
    assert_eq!(
        try_pay(PaymentRequest {
            fee_rate: 10_001,
            ..asked
        }),
        0x9405
    );
    assert_eq!(
        try_pay(PaymentRequest {
            fee_rate: 3_000,
            ..asked
        }),
        0x9406
    );
    assert_eq!(try_pay(asked), 0x9000);
    assert_eq!(try_pay(request(&milk, 49_999)), 0x9000);
    assert_eq!(try_pay(request(&milk, 10_000)), 0x9404);
    assert_eq!(try_pay(request(&milk, 1_000)), 0x9000);
    assert_eq!(try_pay(request(&milk, 600)), 0x9411);
    // The last sat of the cumulative limit: three fees were paid.
    let (log, _) = owner.command(&mut card, &ReadLog(2));
    assert_eq!(LoggedPayment::parse(&log).unwrap().amount, 1_000);
}

#[test]
fn limits_are_renewed_by_the_owner_who_has_read_the_log() {
    let (mut card, owner) = limited(
        61,
        Limits {
            payments: 2,
            ..LIMITS
        },
    );
    let milk = p2wpkh(4);
    for amount in [1_000, 2_000] {
        assert_eq!(
            pay_with_pin(&mut card, &owner, request(&milk, amount)),
            0x9000
        );
    }
    assert_eq!(
        pay_with_pin(&mut card, &owner, request(&milk, 3_000)),
        0x9411
    );
    assert_eq!(owner.command(&mut card, &SetLimits(LIMITS)).1, 0x6985);
    let acknowledge = |seen, settled| AcknowledgeLog { seen, settled };
    for wrong in [acknowledge(3, 0), acknowledge(1, 2)] {
        assert_eq!(owner.command(&mut card, &wrong).1, 0x6A80);
    }
    assert_eq!(owner.command(&mut card, &acknowledge(1, 0)).1, 0x9000);
    assert_eq!(owner.command(&mut card, &SetLimits(LIMITS)).1, 0x6985);
    assert_eq!(owner.command(&mut card, &acknowledge(0, 0)).1, 0x6A80);
    assert_eq!(owner.command(&mut card, &acknowledge(2, 1)).1, 0x9000);
    // The first is forgotten, and can't be had again; the second can.
    assert_eq!(owner.command(&mut card, &ReadLog(0)).1, 0x6A88);
    assert_eq!(owner.command(&mut card, &ReadLog(1)).1, 0x9000);
    assert_eq!(pay(&mut card, request(&milk, 1_000)).1, 0x6982);
    assert_eq!(pay(&mut card, request(&milk, 2_000)).1, 0x9000);
    let impossible = Limits {
        least_fee_rate: 99,
        ..LIMITS
    };
    assert_eq!(owner.command(&mut card, &SetLimits(impossible)).1, 0x6A80);
    assert_eq!(owner.command(&mut card, &SetLimits(LIMITS)).1, 0x9000);
    assert_eq!(
        pay_with_pin(&mut card, &owner, request(&milk, 3_000)),
        0x9000
    );
}

#[test]
fn small_payments_without_pin() {
    let limits = Limits {
        without_pin_amount: 5_000,
        without_pin_payments: 2,
        ..LIMITS
    };
    let (mut card, owner) = limited(62, limits);
    let milk = p2wpkh(4);
    // 142 vbytes, at 2 sat each.
    let fee = 284;
    for amount in [5_001, 5_000, 5_001 - fee] {
        assert_eq!(pay(&mut card, request(&milk, amount)).1, 0x6982);
    }
    assert_eq!(preview(&mut card, request(&milk, 1_000)).1, 0x6982);
    assert_eq!(pay(&mut card, request(&milk, 5_000 - fee)).1, 0x9000);
    // With PIN it isn't one of them.
    assert_eq!(
        pay_with_pin(&mut card, &owner, request(&milk, 1_001)),
        0x9000
    );
    for _ in 0..3 {
        owner.verify(&mut card, "000000");
    }
    assert_eq!(pay(&mut card, request(&milk, 1_002)).1, 0x6982);
    // What was paid is given again even so.
    assert_eq!(pay(&mut card, request(&milk, 5_000 - fee)).1, 0x9000);

    let (mut card, _) = limited(63, limits);
    assert_eq!(pay(&mut card, request(&milk, 1_000)).1, 0x9000);
    assert_eq!(pay(&mut card, request(&milk, 1_001)).1, 0x9000);
    assert_eq!(pay(&mut card, request(&milk, 1_002)).1, 0x6982);
}

#[test]
fn a_full_log_refuses_until_it_is_acknowledged() {
    let (mut card, owner) = limited(
        64,
        Limits {
            payments: 200,
            ..LIMITS
        },
    );
    let milk = p2wpkh(4);
    for amount in 1_000..1_064 {
        assert_eq!(
            pay_with_pin(&mut card, &owner, request(&milk, amount)),
            0x9000
        );
    }
    assert_eq!(
        pay_with_pin(&mut card, &owner, request(&milk, 2_000)),
        0x9409
    );
    let seen = AcknowledgeLog {
        seen: 2,
        settled: 0,
    };
    assert_eq!(owner.command(&mut card, &seen).1, 0x9000);
    assert_eq!(owner.command(&mut card, &ReadLog(0)).1, 0x9000);
    for amount in [2_000, 2_001] {
        assert_eq!(
            pay_with_pin(&mut card, &owner, request(&milk, amount)),
            0x9000
        );
    }
    assert_eq!(
        pay_with_pin(&mut card, &owner, request(&milk, 2_002)),
        0x9409
    );
    assert_eq!(owner.command(&mut card, &ReadLog(1)).1, 0x6A88);
    for number in 2..66 {
        let (answer, status) = owner.command(&mut card, &ReadLog(number));
        assert_eq!(status, 0x9000);
        let payment = LoggedPayment::parse(&answer).unwrap();
        let amount = [2_000, 2_001]
            .get(number.wrapping_sub(64) as usize)
            .copied()
            .unwrap_or(1_000 + u64::from(number));
        assert_eq!((payment.number, payment.amount), (number, amount));
    }
    assert_eq!(owner.command(&mut card, &ReadLog(66)).1, 0x6A88);
}

#[test]
fn a_cancelled_payment_gives_its_sum_back() {
    let (mut card, owner) = limited(
        65,
        Limits {
            cumulative: 60_000,
            ..LIMITS
        },
    );
    let milk = p2wpkh(4);
    assert_eq!(
        pay_with_pin(&mut card, &owner, request(&milk, 50_000)),
        0x9000
    );
    assert_eq!(
        pay_with_pin(&mut card, &owner, request(&milk, 9_000)),
        0x9000
    );
    // The second spends the change of the first.
    assert_eq!(owner.command(&mut card, &Resolve(0)).1, 0x6985);
    assert_eq!(owner.command(&mut card, &Resolve(1)).1, 0x9000);
    assert_eq!(owner.command(&mut card, &Resolve(1)).1, 0x6A88);
    assert_eq!(owner.command(&mut card, &Resolve(0)).1, 0x9000);
    assert_eq!(owner.command(&mut card, &Resolve(2)).1, 0x6A88);
    let (answer, _) = owner.command(&mut card, &ReadLog(0));
    assert_eq!(
        LoggedPayment::parse(&answer).unwrap().state,
        PaymentState::Cancelled
    );
    assert_eq!(pay(&mut card, request(&milk, 50_000)).1, 0x9413);
    // The sum is back; the coins aren't: only the small one is left.
    assert_eq!(
        pay_with_pin(&mut card, &owner, request(&milk, 59_001)),
        0x9000
    );
}

#[test]
fn claims_that_could_mislead_are_refused() {
    let (mut card, owner) = limited(66, LIMITS);
    let milk = p2wpkh(4);
    let asked = request(&milk, 5_000);
    for merchant in [&b"Milk\n"[..], b"\xE2\x80\xAEkliM", b"\xC0\xAF", b"\x7F"] {
        let asked = PaymentRequest { merchant, ..asked };
        assert_eq!(pay_with_pin(&mut card, &owner, asked), 0x6A80);
    }
    let merchant = "Müller's Milch 牛乳".as_bytes();
    let asked = PaymentRequest {
        merchant,
        invoice: None,
        ..asked
    };
    assert_eq!(pay_with_pin(&mut card, &owner, asked), 0x9000);
    let (answer, _) = owner.command(&mut card, &ReadLog(0));
    let logged = LoggedPayment::parse(&answer).unwrap();
    assert_eq!((logged.merchant, logged.invoice), (merchant, None));
    assert_eq!(
        (logged.payee_script, logged.identity),
        (&milk[..], asked.identity)
    );
}

#[test]
fn a_card_doesn_t_pay_itself() {
    let (mut card, owner) = limited(67, LIMITS);
    for (chain, index) in [(0, 0), (0, 2), (1, 0)] {
        let own = owner.script(chain, index);
        let asked = request(own.as_bytes(), 5_000);
        assert_eq!(owner.verify(&mut card, PIN), 0x9000);
        assert_eq!(preview(&mut card, asked).1, 0x9408);
        assert_eq!(pay_with_pin(&mut card, &owner, asked), 0x9408);
    }
}

#[test]
fn credits_stand_apart() {
    let (mut card, mut owner) = limited(68, LIMITS);
    let milk = p2wpkh(4);
    let refund = owner.funding(2, 500_000, 9);
    assert_eq!(owner.credit(&mut card, &refund, 2), 0x6982);
    assert_eq!(owner.verify(&mut card, PIN), 0x9000);
    assert_eq!(owner.credit(&mut card, &refund, 2), 0x9000);
    // The PIN was used up, and the coin is in.
    assert_eq!(owner.credit(&mut card, &refund, 2), 0x6982);
    assert_eq!(owner.verify(&mut card, PIN), 0x9000);
    assert_eq!(owner.credit(&mut card, &refund, 2), 0x6A89);
    // More than all rooted coins, less than all coins.
    let (per_payment, cumulative) = (2_000_000, 3_000_000);
    let limits = Limits {
        per_payment,
        cumulative,
        ..LIMITS
    };
    assert_eq!(owner.command(&mut card, &SetLimits(limits)).1, 0x9000);
    let all = request(&milk, 1_200_000);
    assert_eq!(pay_with_pin(&mut card, &owner, all), 0x9401);
    let unrooted = |amount| PaymentRequest {
        source: Source::Unrooted,
        ..request(&milk, amount)
    };
    assert_eq!(pay_with_pin(&mut card, &owner, unrooted(600_000)), 0x9401);
    assert_eq!(owner.verify(&mut card, PIN), 0x9000);
    let (paid, status) = pay(&mut card, unrooted(400_000));
    assert_eq!(status, 0x9000);
    owner.accept(&paid, &milk, 400_000, 0);
    // Its change is unrooted too, until the owner enters it.
    assert_eq!(pay_with_pin(&mut card, &owner, unrooted(90_000)), 0x9000);
}

/// Else a terminal could retire the index of a coin that isn't its affair.
#[test]
fn no_credit_where_a_rooted_coin_stands() {
    let (mut card, mut owner) = limited(70, LIMITS);
    let intruder = owner.funding(1, 500_000, 9);
    assert_eq!(owner.verify(&mut card, PIN), 0x9000);
    assert_eq!(owner.credit(&mut card, &intruder, 1), 0x9410);
    assert_eq!(owner.enter(&mut card, &intruder, 1), 0x9000);
}

/// Else an invented coin could wait where a top-up will come, and then retire its index.
#[test]
fn no_credit_is_spent_where_a_rooted_coin_stands() {
    let (mut card, mut owner) = limited(71, LIMITS);
    let milk = p2wpkh(4);
    let unrooted = PaymentRequest {
        source: Source::Unrooted,
        ..request(&milk, 50_000)
    };
    let invented = owner.funding(2, 500_000, 9);
    assert_eq!(owner.verify(&mut card, PIN), 0x9000);
    assert_eq!(owner.credit(&mut card, &invented, 2), 0x9000);
    let own = owner.funding(2, 400_000, 10);
    assert_eq!(owner.enter(&mut card, &own, 2), 0x9000);
    assert_eq!(pay_with_pin(&mut card, &owner, unrooted), 0x9401);
    let rooted = request(&milk, 50_000);
    assert_eq!(pay_with_pin(&mut card, &owner, rooted), 0x9000);
}

/// Else invented coins would use up the indexes, ten with each payment.
#[test]
fn credits_move_no_index() {
    let (mut card, mut owner) = limited(72, LIMITS);
    let next = |card: &mut Card, owner: &Owner| {
        assert_eq!(owner.verify(card, PIN), 0x9000);
        let (answer, status) = send(card, ReceiveScript::to_apdu().as_bytes());
        assert_eq!(status, 0x9000);
        ReceiveScriptAnswer::parse(&answer).unwrap().index
    };
    for ahead in [3, 11, 12] {
        let credit = owner.funding(ahead, 5_000, ahead);
        assert_eq!(owner.verify(&mut card, PIN), 0x9000);
        assert_eq!(owner.credit(&mut card, &credit, ahead), 0x9410);
    }
    for salt in 0..2 {
        let credit = owner.funding(2, 50_000, 20 + salt);
        assert_eq!(owner.verify(&mut card, PIN), 0x9000);
        assert_eq!(owner.credit(&mut card, &credit, 2), 0x9000);
        assert_eq!(next(&mut card, &owner), 2);
    }
    // Spent, it takes this one index out of use.
    let milk = p2wpkh(4);
    let unrooted = PaymentRequest {
        source: Source::Unrooted,
        ..request(&milk, 20_000)
    };
    assert_eq!(pay_with_pin(&mut card, &owner, unrooted), 0x9000);
    assert_eq!(next(&mut card, &owner), 3);
}

#[test]
fn a_flood_of_credits_ends() {
    let (mut card, mut owner) = limited(69, LIMITS);
    let credit = |card: &mut Card, owner: &mut Owner, salt| {
        let credit = owner.funding(2, 5_000, salt);
        assert_eq!(owner.verify(card, PIN), 0x9000);
        owner.credit(card, &credit, 2)
    };
    for salt in 2..18 {
        assert_eq!(credit(&mut card, &mut owner, salt), 0x9000);
    }
    assert_eq!(credit(&mut card, &mut owner, 18), 0x6A84);
    // The owner's own still come in, and make room by rooting a credit.
    let own = owner.funding(3, 5_000, 19);
    assert_eq!(owner.enter(&mut card, &own, 3), 0x9000);
    let known = owner.funding(2, 5_000, 2);
    assert_eq!(owner.enter(&mut card, &known, 2), 0x9000);
    let last = owner.funding(4, 5_000, 20);
    assert_eq!(owner.verify(&mut card, PIN), 0x9000);
    assert_eq!(owner.credit(&mut card, &last, 4), 0x9000);
}
