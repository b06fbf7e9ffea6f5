//! A panic of the suite, turned into a reason.
//!
//! Whatever a card answers, a case ends with a verdict. Where the suite didn't expect an answer
//! and panics, that is a fault of the suite, and the cases after it still run.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether a panic of this thread is caught, so that it isn't printed as well.
    static CATCHING: Cell<bool> = const { Cell::new(false) };
    /// File and line of the last panic that was caught.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Does the work and gives what it gives, or says where and why it panicked. What the work was
/// changing when it panicked may be half changed.
///
/// # Errors
/// File, line and message of the panic.
pub fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            if CATCHING.get() {
                let place = info.location().map(ToString::to_string);
                PLACE.set(place.unwrap_or_default());
            } else {
                before(info);
            }
        }));
    });
    let outer = CATCHING.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    CATCHING.set(outer);
    result.map_err(|payload| format!("{}: {}", PLACE.take(), message(payload.as_ref())))
}

fn message(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::catch;

    #[test]
    fn a_panic_is_a_reason_that_tells_its_place() {
        let bytes = [1_u8, 2];
        let reason = catch(|| bytes.iter().map(|at| bytes[usize::from(*at)]).max()).unwrap_err();
        assert!(
            reason.contains("panics.rs:") && reason.contains("the len is 2"),
            "{reason}"
        );
        assert_eq!(catch(|| bytes.len()), Ok(2));
    }
}
