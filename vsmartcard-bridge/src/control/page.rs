//! The card tray: a page for people, on the same address as the interface.
//!
//! Its files are open to everybody on this machine, since there is nothing in them; what the page asks for
//! needs the token. That comes in the fragment of the page's address, which browsers send to nobody, and the
//! page takes it out of the address at once.

use axum::Router;
use tillcard_http::PageFile;

const SCRIPT: &str = "text/javascript; charset=utf-8";

macro_rules! files {
    ($($path:literal: $file:literal, $kind:expr;)*) => {
        /// Path, content and kind of each file.
        const FILES: &[PageFile] =
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
    tillcard_http::page(FILES)
}
