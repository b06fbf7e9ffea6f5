//! The embedded chain served to other processes: JSON-RPC over HTTP on loopback, with a cookie, so
//! that a client of Bitcoin Core needs nothing special for it.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::post;
use bitcoin::base64::Engine;
use bitcoin::base64::engine::general_purpose::STANDARD as BASE64;
use bitcoin::hashes::{Hash, sha256};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{oneshot, watch};
use zeroize::Zeroizing;

use super::rpc::{self, RpcError};
use super::{RegtestChain, RegtestError, Switches};

const PARSE_ERROR: i32 = -32700;
const INVALID_REQUEST: i32 = -32600;
const INTERNAL_ERROR: i32 = -32603;
/// Core's `RPC_INVALID_PARAMETER`.
const INVALID_PARAMETER: i32 = -8;
/// Core's `RPC_IN_WARMUP`, and what it says then.
const IN_WARMUP: i32 = -28;
const WARMUP: &str = "Loading block index…";

/// A served regtest chain; it stops, and its cookie file goes, when this value is dropped.
pub struct RegtestServer {
    address: SocketAddr,
    cookie: PathBuf,
    controls: Controls,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The chain, and how it behaves to who asks.
#[derive(Clone)]
struct Controls {
    chain: Arc<RegtestChain>,
    switches: watch::Sender<Switches>,
}

impl Controls {
    fn switch(&self, switches: Switches) {
        self.chain.set_mempool_policy(switches.mempool);
        self.switches.send_replace(switches);
    }
}

#[derive(Clone)]
struct Service {
    controls: Controls,
    /// Hash of the one `Authorization` header that is let in: comparing hashes tells a guesser
    /// nothing by its time.
    authorization: sha256::Hash,
}

impl RegtestServer {
    /// Serves `chain` on `address` (port 0 takes a free one), which must be a loopback address.
    /// The cookie file `.cookie` is written into the chain's folder, for this user only, before
    /// the first question is answered.
    ///
    /// # Errors
    /// When the port is taken, the address isn't loopback, or the cookie can't be written.
    pub fn start(chain: Arc<RegtestChain>, address: SocketAddr) -> Result<Self, RegtestError> {
        let listen = |cause: String| RegtestError::Listen { address, cause };
        if !address.ip().is_loopback() {
            return Err(listen(
                "this chain is served on loopback only, such as 127.0.0.1".into(),
            ));
        }
        let listener = TcpListener::bind(address)
            .and_then(|listener| {
                listener.set_nonblocking(true)?;
                Ok(listener)
            })
            .map_err(|error| listen(format!("{error} (is another program using the port?)")))?;
        let bound = listener
            .local_addr()
            .map_err(|error| listen(error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| listen(error.to_string()))?;
        let listener = {
            let _entered = runtime.enter();
            tokio::net::TcpListener::from_std(listener)
                .map_err(|error| listen(error.to_string()))?
        };

        let cookie = chain.folder().join(".cookie");
        let credentials = write_cookie(&cookie)?;
        let basic = Zeroizing::new(format!("Basic {}", BASE64.encode(credentials.as_bytes())));
        let controls = Controls {
            chain,
            switches: watch::Sender::default(),
        };
        let service = Service {
            controls: controls.clone(),
            authorization: sha256::Hash::hash(basic.as_bytes()),
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            runtime.block_on(serve(listener, service, stopped));
            // A connection that someone keeps open must not hold us back.
            runtime.shutdown_timeout(Duration::from_secs(1));
        });
        Ok(Self {
            address: bound,
            cookie,
            controls,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// `http://host:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Has it behave so from now on, as the call `setswitches` does.
    pub fn switch(&self, switches: Switches) {
        self.controls.switch(switches);
    }

    /// Its cookie file.
    pub fn cookie(&self) -> &Path {
        &self.cookie
    }
}

impl Drop for RegtestServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // It fails when the server has ended already, which is what is wanted.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        // Nothing is lost if the file is gone already.
        let _ = std::fs::remove_file(&self.cookie);
    }
}

/// Makes a fresh password and writes it where only this user can read it. Gives `user:password`.
fn write_cookie(path: &Path) -> Result<Zeroizing<String>, RegtestError> {
    let mut password = Zeroizing::new([0u8; 32]);
    getrandom::fill(password.as_mut()).map_err(RegtestError::Random)?;
    let credentials = Zeroizing::new(format!("__cookie__:{}", hex::encode(*password)));
    let io = |source| RegtestError::Io {
        path: path.to_path_buf(),
        source,
    };
    // Temporary files are made with mode 0600.
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(io)?;
    file.write_all(credentials.as_bytes()).map_err(io)?;
    file.persist(path).map_err(|error| io(error.error))?;
    Ok(credentials)
}

async fn serve(
    listener: tokio::net::TcpListener,
    service: Service,
    stopped: oneshot::Receiver<()>,
) {
    let router = Router::new().route("/", post(handle)).with_state(service);
    let server = async { axum::serve(listener, router).await };
    tokio::select! {
        _ = server => (),
        _ = stopped => (),
    }
}

impl Controls {
    async fn answer(self, method: String, params: Vec<Value>) -> Result<Value, RpcError> {
        match method.as_str() {
            "getswitches" => Ok(json!(*self.switches.borrow())),
            "setswitches" => self.set(params),
            _ => {
                let mut seen = self.switches.subscribe();
                let now = seen.wait_for(|switches| !switches.silent).await;
                let switches = now
                    .map_err(|error| RpcError::new(INTERNAL_ERROR, error))?
                    .clone();
                if switches.starting {
                    return Err(RpcError::new(IN_WARMUP, WARMUP));
                }
                // The chain blocks: it reads and writes files, and validates.
                let call = tokio::task::spawn_blocking(move || {
                    rpc::answer(&self.chain, &switches, &method, &params)
                });
                call.await
                    .unwrap_or_else(|error| Err(RpcError::new(INTERNAL_ERROR, error)))
            }
        }
    }

    /// Sets all switches: to what the one parameter, an object, says.
    fn set(&self, mut params: Vec<Value>) -> Result<Value, RpcError> {
        let switches = match params.pop() {
            Some(only) if params.is_empty() => Switches::deserialize(only)
                .map_err(|error| RpcError::new(INVALID_PARAMETER, error))?,
            _ => {
                let form = "setswitches takes one object, such as {\"behind\": 3}";
                return Err(RpcError::new(INVALID_PARAMETER, form));
            }
        };
        self.switch(switches);
        Ok(Value::Null)
    }
}

#[derive(Deserialize)]
struct Request {
    method: String,
    #[serde(default)]
    params: Value,
    #[serde(default)]
    id: Value,
}

async fn handle(State(service): State<Service>, headers: HeaderMap, body: Bytes) -> Response {
    let shown = headers
        .get(header::AUTHORIZATION)
        .map(|value| sha256::Hash::hash(value.as_bytes()));
    if shown != Some(service.authorization) {
        let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"jsonrpc\"")];
        return (StatusCode::UNAUTHORIZED, challenge).into_response();
    }
    let (id, outcome) = match parse(&body) {
        Ok((Request { method, id, .. }, params)) => {
            (id, service.controls.answer(method, params).await)
        }
        Err((id, error)) => (id, Err(error)),
    };
    let answer = match outcome {
        Ok(result) => json!({ "jsonrpc": "2.0", "result": result, "id": id }),
        Err(RpcError { code, message }) => json!({
            "jsonrpc": "2.0",
            "error": { "code": code, "message": message },
            "id": id,
        }),
    };
    Json(answer).into_response()
}

/// A single call with positional parameters; batches and named ones aren't spoken here.
fn parse(body: &[u8]) -> Result<(Request, Vec<Value>), (Value, RpcError)> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| (Value::Null, RpcError::new(PARSE_ERROR, error)))?;
    let request = Request::deserialize(&value)
        .map_err(|error| (Value::Null, RpcError::new(INVALID_REQUEST, error)))?;
    match request.params.clone() {
        Value::Null => Ok((request, Vec::new())),
        Value::Array(params) => Ok((request, params)),
        _ => Err((
            request.id,
            RpcError::new(INVALID_REQUEST, "params must be an array"),
        )),
    }
}
