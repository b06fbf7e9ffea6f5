//! Something else that happens in the middle of what a program does.

use std::cell::RefCell;
use std::rc::Rc;

/// The moments of a program, one after another: its exchanges with a card, and what it tells of. At
/// one of them something else may happen.
#[derive(Clone, Default)]
pub struct Moments(Rc<RefCell<Option<Waiting>>>);

struct Waiting {
    left: u32,
    act: Box<dyn FnOnce()>,
}

impl Moments {
    /// Once so many moments have passed, this happens.
    pub fn after(&self, moments: u32, act: impl FnOnce() + 'static) {
        let (left, act) = (moments, Box::new(act));
        *self.0.borrow_mut() = Some(Waiting { left, act });
    }

    /// A moment passes.
    pub fn pass(&self) {
        let due = {
            let mut waiting = self.0.borrow_mut();
            match &mut *waiting {
                Some(later) if later.left > 0 => {
                    later.left -= 1;
                    None
                }
                _ => waiting.take(),
            }
        };
        // Nobody holds what is waiting: what happens may have moments of its own.
        if let Some(due) = due {
            (due.act)();
        }
    }

    /// What still waits happens now: the program has ended.
    pub fn end(&self) {
        let waiting = self.0.take();
        if let Some(waiting) = waiting {
            (waiting.act)();
        }
    }
}
