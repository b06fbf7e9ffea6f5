//! One JSON-RPC call, and what its failure means.

use jsonrpc::client::Client;
use jsonrpc::http::bitreq_http::{Builder, Error as HttpError};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{ChainError, CoreRpcConfig};

/// `RPC_IN_WARMUP` of Bitcoin Core's `src/rpc/protocol.h`.
const IN_WARMUP: i32 = -28;

/// Why a call brought no answer.
pub(super) enum CallError {
    /// Nobody there, or not in time, or no credentials to ask with.
    NoAnswer(String),
    /// HTTP 401 or 403.
    Unauthorized,
    /// The node answered with an error.
    Node { code: i32, message: String },
    /// The answer makes no sense.
    Unusable(String),
}

impl CallError {
    /// What kind of failure it is, for the log.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::NoAnswer(_) => "no answer",
            Self::Unauthorized => "unauthorized",
            Self::Node { .. } => "an error of the node's",
            Self::Unusable(_) => "an answer that can't be used",
        }
    }

    pub(super) fn into_chain_error(self, method: &str, config: &CoreRpcConfig) -> ChainError {
        let url = config.url.clone();
        match self {
            CallError::NoAnswer(cause) => ChainError::Unavailable {
                url,
                cause: cause.into(),
            },
            CallError::Unauthorized => ChainError::Unauthorized {
                url,
                hint: config.auth.hint(),
            },
            CallError::Node {
                code: IN_WARMUP,
                message,
            } => ChainError::WarmingUp {
                url,
                message: message.into(),
            },
            CallError::Node { code, message } => ChainError::Protocol {
                method: method.into(),
                cause: format!("error {code}: {message}").into(),
            },
            CallError::Unusable(cause) => ChainError::Protocol {
                method: method.into(),
                cause: cause.into(),
            },
        }
    }
}

/// A client with the credentials that hold now.
pub(super) fn open(config: &CoreRpcConfig) -> Result<Client, CallError> {
    let transport = Builder::new()
        .url(&config.url)
        .map_err(|error| CallError::NoAnswer(error.to_string()))?
        .timeout(config.timeout)
        .cookie_auth(config.auth.credentials()?.as_str())
        .build();
    Ok(Client::with_transport(transport))
}

pub(super) fn call<T: DeserializeOwned>(
    client: &Client,
    method: &str,
    args: &[Value],
) -> Result<T, CallError> {
    let args = serde_json::value::to_raw_value(args)
        .map_err(|error| CallError::Unusable(error.to_string()))?;
    let request = client.build_request(method, Some(&args));
    let id = request.id.clone();
    let response = client.send_request(request).map_err(not_sent)?;
    if response.id != id {
        return Err(CallError::Unusable("it answers another question".into()));
    }
    response.result().map_err(|error| match error {
        jsonrpc::Error::Rpc(error) => CallError::Node {
            code: error.code,
            message: error.message,
        },
        error => CallError::Unusable(error.to_string()),
    })
}

fn not_sent(error: jsonrpc::Error) -> CallError {
    let jsonrpc::Error::Transport(error) = error else {
        return CallError::Unusable(error.to_string());
    };
    match error.downcast_ref::<HttpError>() {
        Some(HttpError::Http(http)) if matches!(http.status_code, 401 | 403) => {
            CallError::Unauthorized
        }
        Some(HttpError::Http(http)) => {
            CallError::NoAnswer(format!("HTTP status {}", http.status_code))
        }
        Some(HttpError::Bitreq(cause)) => CallError::NoAnswer(cause.to_string()),
        _ => CallError::NoAnswer(error.to_string()),
    }
}
