//! `CoreRpc` against the embedded chain's server: the same answers as in process, and clear words
//! when something is wrong.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use crate::chain_support::{coinbase, with_flipped_signature_bit};
use crate::served::{RATE, Served, any_port, config, raw, served};
use bitcoin::{Network, OutPoint};
use tillcard::chain::{
    Auth, Chain, ChainError, CoreRpc, CoreRpcConfig, FeeRate, OutputState, Tip, TransactionStatus,
};
use tillcard_client::advice::Explain;
use tillcard_regtest::{RegtestServer, Unspent};

#[test]
fn the_same_answers_as_in_process() {
    let served = served();
    let (chain, rpc, payer) = (&served.chain, &served.rpc, &served.payer);
    let coin = coinbase(rpc, 1);
    let payment = payer.pay(&coin, payer.script(), 21_000, RATE);
    let forged = with_flipped_signature_bit(&payment);
    let ChainError::Rejected { reason } = rpc.broadcast(&forged).expect_err("a forged one") else {
        panic!("expected a rejection");
    };
    assert_eq!(
        reason,
        *chain.broadcast(forged).expect_err("a forged one").reason
    );
    let txid = rpc.broadcast(&payment).expect("a payment");
    assert_eq!(chain.broadcast(payment.clone()), Ok(txid), "sent twice");

    let paid = OutPoint { txid, vout: 0 };
    let same_output = |outpoint: &OutPoint| {
        let over_rpc = match rpc.output(outpoint).expect("output") {
            OutputState::Unspent {
                confirmations,
                output,
            } => Some(Unspent {
                confirmations,
                output,
            }),
            OutputState::SpentOrUnknown => None,
        };
        assert_eq!(over_rpc, chain.output(outpoint));
        over_rpc
    };
    let same_tip = || {
        let tip = chain.tip();
        let Tip { height, hash } = rpc.tip().expect("tip");
        assert_eq!((height, hash), (tip.height, tip.hash));
    };
    let same_entry = || {
        let entry = rpc.mempool_entry(&txid).expect("answer");
        let entry = entry.map(|entry| (entry.vsize, entry.fee, entry.descendant_fee));
        let in_process = chain.mempool_entry(&txid);
        let in_process = in_process.map(|entry| (entry.vsize, entry.fee, entry.descendant_fee));
        assert_eq!(entry, in_process);
        assert_eq!(
            rpc.mempool_transaction(&txid).expect("answer"),
            chain.mempool_transaction(&txid)
        );
        assert_eq!(rpc.mempool().expect("mempool"), chain.mempool());
        entry.is_some()
    };
    assert_eq!(rpc.network().expect("network"), Network::Regtest);
    same_tip();
    for height in [7, 102] {
        assert_eq!(
            rpc.block_hash(height).expect("hash"),
            chain.block_hash(height)
        );
    }
    assert_eq!(chain.block_hash(102), None);
    assert_eq!(same_output(&coin.0), None);
    assert!(same_output(&paid).is_some());
    assert!(same_entry());
    for (outpoint, spender) in [(&coin.0, Some(txid)), (&paid, None)] {
        assert_eq!(rpc.mempool_spender(outpoint).expect("answer"), spender);
        assert_eq!(chain.mempool_spender(outpoint), spender);
    }
    assert_eq!(rpc.fee_rate(6).expect("rate"), FeeRate::FALLBACK);
    assert_eq!(
        rpc.transaction_status(&txid, 100).expect("status"),
        TransactionStatus::InMempool
    );

    let blocks = rpc
        .generate_to_address(1, &payer.address())
        .expect("a block");
    assert_eq!(
        rpc.transaction_status(&txid, 100).expect("status"),
        TransactionStatus::Confirmed {
            height: 102,
            block: blocks[0],
            confirmations: 1,
        }
    );
    same_tip();
    assert!(!same_entry());
    assert!(same_output(&paid).is_some());
    assert_eq!(rpc.block(&blocks[0]).ok(), chain.block(&blocks[0]));
    let nothing = bitcoin::BlockHash::from_raw_hash(bitcoin::hashes::Hash::all_zeros());
    assert_eq!(chain.block(&nothing), None);
    assert!(matches!(
        rpc.block(&nothing),
        Err(ChainError::NotFound { .. })
    ));
    rpc.expect_network(Network::Regtest).expect("regtest");
    let error = rpc
        .expect_network(Network::Signet)
        .expect_err("not signet")
        .to_string();
    assert!(error.contains("on regtest, not on signet"), "{error}");
}

#[test]
fn only_who_reads_the_cookie_may_ask() {
    let served = served();
    let (server, rpc) = (&served.server, &served.rpc);
    let mode = std::fs::metadata(server.cookie())
        .expect("the cookie file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);

    let stranger = CoreRpc::new(CoreRpcConfig {
        auth: Auth::UserPass {
            user: "__cookie__".into(),
            password: zeroize::Zeroizing::new("guess".into()),
        },
        ..config(server)
    });
    let error = stranger.tip().expect_err("a stranger");
    assert!(
        matches!(error, ChainError::Unauthorized { .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("rpcauth"), "{error}");
    rpc.tip().expect("who reads the cookie");
}

#[test]
fn a_restarted_server_is_asked_with_its_new_cookie() {
    let Served {
        chain,
        server,
        rpc,
        payer: _payer,
        _folder,
    } = served();
    let tip = rpc.tip().expect("tip");
    let address = server.address();
    drop(server);
    let error = rpc.tip().expect_err("nobody there");
    assert!(matches!(error, ChainError::Unavailable { .. }), "{error:?}");
    let _server = RegtestServer::start(chain, address).expect("the server again");
    assert_eq!(rpc.tip().expect("tip"), tip);
}

#[test]
fn one_clear_line_each() {
    let served = served();
    let (chain, server) = (&served.chain, &served.server);
    let busy = RegtestServer::start(Arc::clone(chain), server.address())
        .err()
        .expect("a busy port")
        .to_string();
    assert!(busy.contains("another program using the port"), "{busy}");
    let open = RegtestServer::start(Arc::clone(chain), ([0, 0, 0, 0], 0).into())
        .err()
        .expect("not loopback")
        .to_string();
    assert!(open.contains("loopback"), "{open}");

    let lost = CoreRpc::new(CoreRpcConfig {
        auth: Auth::Cookie("/nonexistent/.cookie".into()),
        ..config(server)
    });
    let error = lost.tip().expect_err("no cookie").message();
    assert!(error.contains("/nonexistent/.cookie"), "{error}");
    assert!(error.contains("start the node"), "{error}");
}

/// Asks whoever listens, for as long as `timeout`.
fn asking(listener: &TcpListener, timeout: Duration) -> CoreRpc {
    CoreRpc::new(CoreRpcConfig {
        url: format!("http://{}", listener.local_addr().expect("an address")),
        auth: Auth::UserPass {
            user: "user".into(),
            password: zeroize::Zeroizing::new("password".into()),
        },
        timeout,
    })
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let listener = TcpListener::bind(any_port()).expect("a port");
    let rpc = asking(&listener, Duration::from_millis(200));
    let error = rpc.tip().expect_err("nobody answers");
    assert!(matches!(error, ChainError::Unavailable { .. }), "{error:?}");
}

#[test]
fn a_starting_node_is_told_from_a_broken_one() {
    let listener = TcpListener::bind(any_port()).expect("a port");
    let rpc = asking(&listener, Duration::from_secs(30));
    // What Bitcoin Core answers while it starts.
    let node = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).expect("a request");
        let body =
            r#"{"result":null,"error":{"code":-28,"message":"Loading block index…"},"id":1}"#;
        write!(
            stream,
            "HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Length: \
             {}\r\n\r\n{body}",
            body.len()
        )
        .expect("sent");
    });
    let error = rpc.tip().expect_err("not yet");
    node.join().expect("the node's thread");
    assert!(matches!(error, ChainError::WarmingUp { .. }), "{error:?}");
    assert!(error.to_string().contains("Loading block index"), "{error}");
}

#[test]
fn what_is_not_spoken_is_a_json_rpc_error() {
    let served = served();
    let server = &served.server;
    let code = |body: &str| {
        let answer = raw(server, body);
        assert_eq!(answer["jsonrpc"], "2.0");
        assert!(answer.get("result").is_none());
        answer["error"]["code"].as_i64().expect("a code")
    };
    let call = |method: &str, params: &str| {
        code(&format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#
        ))
    };
    assert_eq!(call("sendtoaddress", "[]"), -32601);
    assert_eq!(code("{"), -32700);
    assert_eq!(code("[]"), -32600);
    assert_eq!(call("getblockhash", r#"{"height":1}"#), -32600);
    assert_eq!(call("getblockhash", "[]"), -32602);
    assert_eq!(call("getblockhash", "[-1]"), -8);
    assert_eq!(call("getblockhash", "[4294967296]"), -8);
    assert_eq!(call("getblock", r#"["00", 0]"#), -8);
    assert_eq!(call("sendrawtransaction", r#"["00"]"#), -22);
    assert_eq!(call("generatetoaddress", r#"[1000000, "x"]"#), -8);
    let answer = raw(server, r#"{"id":"a","method":"getblockhash","params":[0]}"#);
    assert_eq!(answer["id"], "a");
}
