//! The card tray: a page for people, on the same address as the interface.
//!
//! Its files are open to everybody on this machine, since there is nothing in them; what the page asks for
//! needs the token. That comes in the fragment of the page's address, which browsers send to nobody, and the
//! page takes it out of the address at once.

use axum::Router;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// Nothing from elsewhere, nothing inline, and in nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const SCRIPT: &str = "text/javascript; charset=utf-8";

macro_rules! files {
    ($($path:literal: $file:literal, $kind:expr;)*) => {
        /// Path, content and kind of each file.
        const FILES: &[(&str, &str, &str)] =
            &[$(($path, include_str!(concat!("page/", $file)), $kind)),*];
    };
}

files! {
    "/": "index.html", "text/html; charset=utf-8";
    "/style.css": "style.css", "text/css; charset=utf-8";
    "/icon.svg": "icon.svg", "image/svg+xml";
    "/main.js": "main.js", SCRIPT;
    "/api.js": "api.js", SCRIPT;
    "/cards.js": "cards.js", SCRIPT;
    "/dom.js": "dom.js", SCRIPT;
    "/faults.js": "faults.js", SCRIPT;
    "/readers.js": "readers.js", SCRIPT;
    "/trace.js": "trace.js", SCRIPT;
}

/// The page's files.
pub(super) fn router() -> Router {
    let mut router = Router::new();
    for &(path, content, kind) in FILES {
        router = router.route(path, get(move || async move { file(content, kind) }));
    }
    router
}

fn file(content: &'static str, kind: &'static str) -> Response {
    let headers = [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, content).into_response()
}
