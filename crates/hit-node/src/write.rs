//! Submitting what the slab holds.

use std::sync::Arc;

use hit::{Durability, Encoded, Error, ErrorCode, Result, Submitted};
use napi::sys;

use crate::raw::{self, Call};
use crate::slab::{Request, begins_with_own, requests};

/// `submit(bytes, byteCount, durability)`: one group.
pub(crate) fn submit(call: &Call<'_>) -> Result<sys::napi_value> {
    submit_encoded(call, &Encoded::parse(slab(call)?)?, false)
}

/// `submitBatch(bytes, byteCount, durability)`: one batch with its checks, one counter or one expiry.
pub(crate) fn submit_batch(call: &Call<'_>) -> Result<sys::napi_value> {
    let slab = slab(call)?;
    if !begins_with_own(slab)
        && let Ok(encoded) = Encoded::parse(slab)
    {
        return submit_encoded(call, &encoded, true);
    }
    let durability = durability(call)?;
    let store = &call.store.store;
    let ticket = call.store.next_ticket();
    let (mut operations, mut checks) = (Vec::new(), Vec::new());
    let requests = requests(slab)?;
    let alone = if requests.len() == 1 { Ok(()) } else { Err(unknown()) };
    for request in requests {
        match request {
            Request::Write(operation) => operations.push(operation),
            Request::Check(check) => checks.push(check),
            Request::Increment { key, by } => {
                alone?;
                let (sum, submitted) =
                    store.submit_increment(key, by, durability, completion(call, ticket))?;
                leave(call, sum.cast_unsigned())?;
                return answer(call, ticket, submitted);
            }
            Request::Expire { key, expires_at } => {
                alone?;
                let (found, submitted) = store.submit_expire(key, expires_at, completion(call, ticket))?;
                leave(call, found.into())?;
                return answer(call, ticket, submitted);
            }
        }
    }
    let submitted = store.submit_batch(&operations, &checks, durability, completion(call, ticket))?;
    answer(call, ticket, submitted)
}

fn submit_encoded(call: &Call<'_>, encoded: &Encoded<'_>, whole: bool) -> Result<sys::napi_value> {
    let (store, ticket) = (&call.store.store, call.store.next_ticket());
    let submitted = store.submit_encoded(encoded, whole, durability(call)?, completion(call, ticket))?;
    answer(call, ticket, submitted)
}

fn slab<'a>(call: &'a Call<'_>) -> Result<&'a [u8]> {
    call.first_bytes(0, call.number(1)?)
}

fn durability(call: &Call<'_>) -> Result<Option<Durability>> {
    Ok(match call.signed(2)? {
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

/// Leaves a result in the first eight bytes. Nothing of the slab is read behind this.
fn leave(call: &Call<'_>, result: u64) -> Result<()> {
    let bytes = call.bytes_mut(0)?.first_chunk_mut().ok_or_else(raw::overrun)?;
    *bytes = result.to_le_bytes();
    Ok(())
}

fn unknown() -> Error {
    Error::new(ErrorCode::Argument, "the slab holds an operation that does not belong there")
}
