use std::mem;
use std::sync::Arc;

use hit_core::{Page, Result, StorageScan, at_once};
use parking_lot::Mutex;

/// The pages of a storage's scan. The next one can be read on another thread while the current one is looked at.
pub(crate) struct Pages(Arc<Mutex<Next>>);

struct Next {
    storage: Box<dyn StorageScan>,
    page: Page,
    /// How reading the page has ended; none: it is still to be read.
    read: Option<Result<()>>,
}

/// Reads the next page of a scan, on a thread that may wait.
pub struct ReadAhead(Arc<Mutex<Next>>);

impl Pages {
    pub(crate) fn new(storage: Box<dyn StorageScan>, wants_values: bool) -> Self {
        Self(Arc::new(Mutex::new(Next { storage, page: Page::new(wants_values), read: None })))
    }

    pub(crate) fn set_wants_values(&self, wants_values: bool) {
        self.0.lock().page.wants_values = wants_values;
    }

    /// Puts the next page in the place of `page`; waits for it where it has not been read. An empty one is the end.
    pub(crate) fn turn(&self, page: &mut Page) -> Result<()> {
        let mut next = self.0.lock();
        next.fill();
        mem::swap(page, &mut next.page);
        let read = next.read.take().unwrap_or(Ok(()));
        if read.is_err() {
            // Nor does the next visit get a part of a page.
            page.clear();
        }
        read
    }

    /// Whether the next page has been read.
    pub(crate) fn is_read(&self) -> bool {
        self.0.try_lock().is_some_and(|next| next.read.is_some())
    }

    /// What reads the next page; none where that is done or being done.
    pub(crate) fn read_ahead(&self) -> Option<ReadAhead> {
        let is_wanted = self.0.try_lock().is_some_and(|next| next.read.is_none());
        is_wanted.then(|| ReadAhead(Arc::clone(&self.0)))
    }
}

impl ReadAhead {
    /// Reads. What fails is told by the visit that comes to it.
    pub fn run(&self) {
        self.0.lock().fill();
    }
}

impl Next {
    fn fill(&mut self) {
        if self.read.is_none() {
            self.page.clear();
            self.read = Some(at_once(self.storage.fill(&mut self.page)));
        }
    }
}

#[cfg(test)]
mod tests {
    use hit_core::{Error, ErrorCode, Pending};

    use super::*;

    /// A scan of two pages, then a failure, then the end.
    struct Script(u8);

    impl StorageScan for Script {
        fn fill<'a>(&'a mut self, page: &'a mut Page) -> Pending<'a, ()> {
            self.0 += 1;
            let result = match self.0 {
                1 | 2 => {
                    page.push(&[self.0], b"value", None);
                    Ok(())
                }
                3 => Err(Error::new(ErrorCode::Io, "the disk is gone")),
                _ => Ok(()),
            };
            Box::pin(async move { result })
        }
    }

    fn keys(page: &Page) -> Vec<u8> {
        (0..page.len()).filter_map(|at| page.get(at)).flat_map(|(key, _)| key.to_vec()).collect()
    }

    #[test]
    fn pages_come_in_order_whoever_reads_them() {
        for reads_ahead in [false, true] {
            let pages = Pages::new(Box::new(Script(0)), true);
            let mut page = Page::new(true);
            for expected in [1, 2] {
                if reads_ahead {
                    pages.read_ahead().unwrap().run();
                }
                assert_eq!(pages.is_read(), reads_ahead);
                pages.turn(&mut page).unwrap();
                assert_eq!(keys(&page), [expected]);
            }
            if reads_ahead {
                pages.read_ahead().unwrap().run();
            }
            assert_eq!(pages.turn(&mut page).unwrap_err().code(), ErrorCode::Io);
            pages.turn(&mut page).unwrap();
            assert!(page.is_empty());
        }
    }

    #[test]
    fn what_is_read_or_being_read_is_not_read_again() {
        let pages = Pages::new(Box::new(Script(0)), true);
        let (first, second) = (pages.read_ahead().unwrap(), pages.read_ahead().unwrap());
        let being_read = pages.0.lock();
        assert!(pages.read_ahead().is_none() && !pages.is_read());
        drop(being_read);
        first.run();
        second.run();
        assert!(pages.read_ahead().is_none() && pages.is_read());
        let mut page = Page::new(true);
        pages.turn(&mut page).unwrap();
        assert_eq!(keys(&page), [1]);
        assert!(pages.read_ahead().is_some());
    }
}
