use std::ops::Deref;
use std::sync::mpsc;

use hit::{
    BatchOperation, Check, Durability, Error, ErrorCode, KeyRange, Operation, Result, Store, Submitted,
    WriteOptions,
};
use tokio::runtime::Builder;

/// Runs a future to its end on this thread.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    Builder::new_current_thread().build().expect("a runtime without drivers can be made").block_on(future)
}

/// An open store in words that keep cases short: text as keys and values, and what should succeed does or panics. The
/// store's own methods are there too.
#[derive(Clone)]
pub struct Opened(Store);

impl Deref for Opened {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.0
    }
}

/// Writes that have been made and not been waited for.
#[must_use = "nothing is known of a write that is not waited for"]
pub struct Pending(Option<mpsc::Receiver<Result<()>>>);

impl Pending {
    /// Waits for the answer.
    pub fn wait(self) {
        self.outcome().expect("the write succeeds");
    }

    /// Waits for the answer, whatever it is.
    pub fn outcome(self) -> Result<()> {
        self.0.map_or(Ok(()), |answer| answer.recv().expect("every write is answered"))
    }

    /// Whether it has been answered.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.0.as_ref().is_none_or(|answer| answer.try_recv().is_ok())
    }
}

impl Opened {
    /// Wraps a handle.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self(store)
    }

    /// Makes several writes as one group, without waiting.
    pub fn begin(&self, operations: &[Operation<'_>]) -> Pending {
        self.begin_with(operations, None)
    }

    /// The same with a durability.
    pub fn begin_with(&self, operations: &[Operation<'_>], durability: Option<Durability>) -> Pending {
        let (answer, answered) = mpsc::channel();
        let completion = move |result| drop(answer.send(result));
        match self
            .0
            .submit(operations.iter().copied(), durability, completion)
            .expect("the store accepts writes")
        {
            Submitted::Settled => Pending(None),
            Submitted::Pending => Pending(Some(answered)),
        }
    }

    /// Makes a batch without checks, without waiting.
    pub fn begin_batch(&self, operations: &[Operation<'_>]) -> Pending {
        let operations: Vec<_> = operations.iter().copied().map(BatchOperation::Plain).collect();
        let (answer, answered) = mpsc::channel();
        let completion = move |result| drop(answer.send(result));
        match self.0.submit_batch(&operations, &[], None, completion).expect("the store accepts batches") {
            Submitted::Settled => Pending(None),
            Submitted::Pending => Pending(Some(answered)),
        }
    }

    /// Makes a batch and waits for it.
    pub fn try_batch(&self, operations: &[Operation<'_>], checks: &[Check<'_>]) -> Result<()> {
        let operations: Vec<_> = operations.iter().copied().map(BatchOperation::Plain).collect();
        wait(self.0.batch(&operations, checks, None))
    }

    /// Sets a key.
    pub fn put(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.try_put(key, value).expect("the write succeeds");
    }

    /// Sets a key that expires.
    pub fn put_until(&self, key: &str, value: &str, expires_at: u64) {
        let options = WriteOptions { expires_at: Some(expires_at), ..WriteOptions::default() };
        wait(self.0.set(key.as_bytes(), value.as_bytes(), options)).expect("the write succeeds");
    }

    /// Sets a key, or says why not.
    pub fn try_put(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<()> {
        wait(self.0.set(key.as_ref(), value.as_ref(), WriteOptions::default()))
    }

    /// Takes a key away.
    pub fn remove(&self, key: impl AsRef<[u8]>) {
        self.try_remove(key).expect("the write succeeds");
    }

    /// Takes a key away, or says why not.
    pub fn try_remove(&self, key: impl AsRef<[u8]>) -> Result<()> {
        wait(self.0.delete(key.as_ref(), WriteOptions::default()))
    }

    /// Takes a range of keys away.
    pub fn remove_range(&self, range: KeyRange<'_>) {
        wait(self.0.clear(range)).expect("the write succeeds");
    }

    /// Adds to a counter, or says why not.
    pub fn add(&self, key: &str, by: i64) -> Result<i64> {
        wait(self.0.increment(key.as_bytes(), by, WriteOptions::default()))
    }

    /// Gives an entry another expiry; whether there was one.
    pub fn expire_at(&self, key: &str, expires_at: Option<u64>) -> bool {
        wait(self.0.expire(key.as_bytes(), expires_at)).expect("the write succeeds")
    }

    /// The bytes of a value.
    #[must_use]
    pub fn bytes(&self, key: impl AsRef<[u8]>) -> Option<Vec<u8>> {
        self.0.get(key.as_ref()).expect("the store can be read")
    }

    /// A value as text.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<String> {
        self.bytes(key).map(text)
    }

    /// Values as text.
    #[must_use]
    pub fn texts<K: AsRef<[u8]>>(&self, keys: &[K]) -> Vec<Option<String>> {
        let values = self.0.get_many(keys).expect("the store can be read");
        values.into_iter().map(|value| value.map(text)).collect()
    }

    /// A value as text and its expiry.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<(String, Option<u64>)> {
        self.0
            .get_with(key.as_bytes(), |entry| {
                entry.map(|entry| (text(entry.value.to_vec()), entry.expires_at))
            })
            .expect("the store can be read")
    }

    /// How many entries a range holds.
    #[must_use]
    pub fn number_of(&self, range: KeyRange<'_>) -> u64 {
        self.0.count(range).expect("the store can be counted")
    }

    /// All entries of a range, as a scan finds them.
    #[must_use]
    pub fn scanned(&self, range: KeyRange<'_>, reverse: bool) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut scan = self.0.scan(range, reverse).expect("the store can be scanned");
        let mut entries = Vec::new();
        loop {
            let page = scan.page(64).expect("a scan goes on while the store is open");
            if page.is_empty() {
                return entries;
            }
            entries.extend(page);
        }
    }

    /// All entries of the store as text.
    #[must_use]
    pub fn entries(&self) -> Vec<(String, String)> {
        let entries = self.scanned(KeyRange::ALL, false).into_iter();
        entries.map(|(key, value)| (text(key), text(value))).collect()
    }

    /// The keys of a range as text.
    #[must_use]
    pub fn keys(&self, range: KeyRange<'_>) -> Vec<String> {
        self.scanned(range, false).into_iter().map(|(key, _)| text(key)).collect()
    }

    /// Closes the handle.
    pub fn shut(&self) {
        wait(self.0.close()).expect("the store closes");
    }
}

/// Setting a key, as an operation.
pub fn set<'a>(
    key: &'a (impl AsRef<[u8]> + ?Sized),
    value: &'a (impl AsRef<[u8]> + ?Sized),
) -> Operation<'a> {
    Operation::Set { key: key.as_ref(), value: value.as_ref(), expires_at: None }
}

/// Taking a key away, as an operation.
pub fn delete<'a>(key: &'a (impl AsRef<[u8]> + ?Sized)) -> Operation<'a> {
    Operation::Delete { key: key.as_ref() }
}

/// A range from the text of its bounds; an empty end is open.
pub fn range<'a>(
    start: &'a (impl AsRef<[u8]> + ?Sized),
    end: &'a (impl AsRef<[u8]> + ?Sized),
) -> KeyRange<'a> {
    let end = end.as_ref();
    KeyRange { start: start.as_ref(), end: (!end.is_empty()).then_some(end) }
}

/// The code of a failure; panics where there is none.
pub fn code<T>(result: Result<T>) -> ErrorCode {
    match result {
        Ok(_) => panic!("this should have failed"),
        Err(error) => Error::code(&error),
    }
}

/// Values as `texts` returns them.
pub fn some(values: &[&str]) -> Vec<Option<String>> {
    values.iter().map(|value| Some((*value).to_owned())).collect()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("this case stores text")
}
