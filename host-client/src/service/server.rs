//! Starts the service's threads, and serves until it is told to end.

use std::net::TcpListener;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use super::book::Book;
use super::error::ServiceError;
use super::folder_lock::FolderLock;
use super::shop::{Setup, Shop};
use super::{by_address, chain_watch, http, readers, resuming, settling, webhooks};

/// How long the end waits for cards at work.
const LAST_CARDS: Duration = Duration::from_secs(10);

/// How often it looks then.
const GLANCE: Duration = Duration::from_millis(20);

/// Serves at `listener` until a signal to end comes. The folder is its own as long. `started` is told
/// where it listens.
///
/// # Errors
/// [`ServiceError`] when it can't begin.
pub(crate) fn serve(
    setup: Setup,
    book: Book,
    mut lock: FolderLock,
    listener: TcpListener,
    started: impl FnOnce(&str),
) -> Result<(), ServiceError> {
    let (sender, messages) = mpsc::channel();
    let shop = Arc::new(Shop::new(setup, book, sender));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(ServiceError::book)?;
    resuming::resume(&shop)?;
    shop.watch_addresses()?;
    shop.watch_refunds()?;
    in_background(&shop, move |shop| settling::run(shop, &messages));
    readers::look(&shop);
    in_background(&shop, readers::run);
    in_background(&shop, chain_watch::run);
    in_background(&shop, by_address::watching::run);
    listener.set_nonblocking(true).map_err(ServiceError::book)?;
    let address = listener.local_addr().map_err(ServiceError::book)?;
    let url = format!("http://{address}");
    lock.tell(&url).map_err(ServiceError::book)?;
    started(&url);
    let router = http::router(Arc::clone(&shop));
    runtime
        .block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            tokio::spawn(webhooks::run(Arc::clone(&shop)));
            tokio::select! {
                served = axum::serve(listener, router) => served,
                signalled = told_to_end() => signalled,
            }
        })
        .map_err(ServiceError::book)?;
    shop.stop_counters();
    let end = Instant::now() + LAST_CARDS;
    while !shop.counters().is_empty() && Instant::now() < end {
        std::thread::sleep(GLANCE);
    }
    // Whoever listens to events isn't waited for.
    runtime.shutdown_background();
    drop(lock);
    Ok(())
}

fn in_background(shop: &Arc<Shop>, run: impl FnOnce(&Arc<Shop>) + Send + 'static) {
    let shop = Arc::clone(shop);
    std::thread::spawn(move || run(&shop));
}

async fn told_to_end() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
    }
    Ok(())
}
