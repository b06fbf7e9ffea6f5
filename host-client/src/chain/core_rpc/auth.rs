//! Credentials for the node.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::CallError;

/// How to prove to the node that we may ask. Deliberately without `Debug`.
#[derive(Clone)]
pub enum Auth {
    /// The file that the node writes at each start; whoever may read it may ask.
    Cookie(PathBuf),
    /// A user of the node's `rpcauth=` lines.
    UserPass {
        /// User name.
        user: String,
        /// Password.
        password: Zeroizing<String>,
    },
}

impl Auth {
    /// `user:password`, for HTTP basic authentication.
    pub(super) fn credentials(&self) -> Result<Zeroizing<String>, CallError> {
        match self {
            Auth::UserPass { user, password } => {
                Ok(Zeroizing::new(format!("{user}:{}", password.as_str())))
            }
            Auth::Cookie(path) => read_cookie(path),
        }
    }

    /// What to look at when the node refuses these credentials.
    pub(super) fn hint(&self) -> String {
        match self {
            Auth::Cookie(path) => format!(
                "the cookie in {} isn't this node's; give the cookie file of the node that is \
                 running, or a user and a password",
                path.display()
            ),
            Auth::UserPass { user, .. } => format!(
                "user {user} or the password is wrong; compare with the rpcauth lines of the \
                 node's bitcoin.conf"
            ),
        }
    }
}

fn read_cookie(path: &Path) -> Result<Zeroizing<String>, CallError> {
    let cookie = std::fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|error| {
            CallError::NoAnswer(format!(
                "cookie file {}: {error} (a running node writes it)",
                path.display()
            ))
        })?;
    let line = cookie.lines().next().unwrap_or_default();
    if line.contains(':') {
        Ok(Zeroizing::new(line.to_owned()))
    } else {
        Err(CallError::NoAnswer(format!(
            "{} is no cookie file (it should hold user:password)",
            path.display()
        )))
    }
}
