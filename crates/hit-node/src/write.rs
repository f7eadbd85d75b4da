//! Submitting what the slab holds.

use std::sync::Arc;

use hit::{Durability, Error, ErrorCode, Result, Submitted};
use napi::sys;

use crate::raw::{self, Call};
use crate::slab::{Items, Request};

/// `submit(words, wordCount, bytes, byteCount, durability)`: one group.
pub(crate) fn submit(call: &Call<'_>) -> Result<sys::napi_value> {
    let items = items(call)?;
    if items.clone().any(|item| item.operation().is_none()) {
        return Err(unknown());
    }
    let operations = Operations(items);
    let ticket = call.store.next_ticket();
    let submitted = call.store.store.submit(operations, durability(call)?, completion(call, ticket))?;
    answer(call, ticket, submitted)
}

/// `submitBatch(words, wordCount, bytes, byteCount, durability)`: one batch with its checks, one counter or one expiry.
pub(crate) fn submit_batch(call: &Call<'_>) -> Result<sys::napi_value> {
    let items = items(call)?;
    let durability = durability(call)?;
    let store = &call.store.store;
    let ticket = call.store.next_ticket();
    let (mut operations, mut checks) = (Vec::with_capacity(items.len()), Vec::new());
    for item in items.clone() {
        match item.request().ok_or_else(unknown)? {
            Request::Write(operation) => operations.push(operation),
            Request::Check(check) => checks.push(check),
            Request::Increment { key, by } => {
                alone(&items)?;
                let (sum, submitted) =
                    store.submit_increment(key, by, durability, completion(call, ticket))?;
                leave(call, sum.cast_unsigned())?;
                return answer(call, ticket, submitted);
            }
            Request::Expire { key, expires_at } => {
                alone(&items)?;
                let (found, submitted) = store.submit_expire(key, expires_at, completion(call, ticket))?;
                leave(call, found.into())?;
                return answer(call, ticket, submitted);
            }
        }
    }
    let submitted = store.submit_batch(&operations, &checks, durability, completion(call, ticket))?;
    answer(call, ticket, submitted)
}

/// The operations of a slab whose items are all operations.
#[derive(Clone)]
struct Operations<'a>(Items<'a>);

impl<'a> Iterator for Operations<'a> {
    type Item = hit::Operation<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()?.operation()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for Operations<'_> {}

fn items<'a>(call: &'a Call<'_>) -> Result<Items<'a>> {
    let words = call.words(0)?.get(..call.number(1)?).ok_or_else(raw::overrun)?;
    Items::new(words, call.first_bytes(2, call.number(3)?)?)
}

fn durability(call: &Call<'_>) -> Result<Option<Durability>> {
    Ok(match call.signed(4)? {
        0 => Some(Durability::Memory),
        1 => Some(Durability::Os),
        2 => Some(Durability::Disk),
        _ => None,
    })
}

fn completion(call: &Call<'_>, ticket: u64) -> impl FnOnce(Result<()>) + Send + 'static {
    let settlements = Arc::clone(&call.store.settlements);
    move |result| settlements.settle(ticket, result)
}

/// The ticket, or 0 for what has settled already.
fn answer(call: &Call<'_>, ticket: u64, submitted: Submitted) -> Result<sys::napi_value> {
    match submitted {
        Submitted::Settled => raw::number(call.env, 0.0),
        Submitted::Pending => {
            call.store.settlements.open_ticket(call.env);
            raw::number(call.env, ticket as f64)
        }
    }
}

/// Leaves a result in the first two words.
fn leave(call: &Call<'_>, result: u64) -> Result<()> {
    let words = call.words(0)?.first_chunk_mut::<2>().ok_or_else(raw::overrun)?;
    *words = [(result & u64::from(u32::MAX)) as u32, (result >> 32) as u32];
    Ok(())
}

fn alone(items: &Items<'_>) -> Result<()> {
    if items.len() == 1 { Ok(()) } else { Err(unknown()) }
}

fn unknown() -> Error {
    Error::new(ErrorCode::Argument, "the slab holds an operation that does not belong there")
}
