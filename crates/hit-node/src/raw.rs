//! A thin, checked layer over Node-API for the functions that are too hot for generated bindings.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::rc::Rc;

use hit::{Error, ErrorCode, Result};
use napi::sys;

use crate::error::throw;
use crate::store::NativeStore;

/// The most arguments a raw function takes.
const MAX_ARGUMENTS: usize = 6;

/// One call of a raw function.
pub(crate) struct Call<'a> {
    pub(crate) env: sys::napi_env,
    pub(crate) store: &'a NativeStore,
    arguments: [sys::napi_value; MAX_ARGUMENTS],
}

/// The body of a raw function.
pub(crate) type Body = fn(&Call<'_>) -> Result<sys::napi_value>;

/// Makes a failed status an error.
pub(crate) fn check(status: sys::napi_status) -> Result<()> {
    if status == sys::Status::napi_ok {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::Argument,
        format!("an argument of the addon is not what it should be (status {status})"),
    ))
}

/// Runs a body with the store that the function was made for; a failure or a panic becomes a JavaScript exception.
///
/// # Safety
/// Called by Node-API only, for a function that [`add_function`] made.
pub(crate) unsafe fn enter(env: sys::napi_env, info: sys::napi_callback_info, body: Body) -> sys::napi_value {
    let mut arguments = [ptr::null_mut(); MAX_ARGUMENTS];
    let mut count = MAX_ARGUMENTS;
    let mut data = ptr::null_mut();
    // SAFETY: the pointers are valid for the call, and `count` says how long `arguments` is.
    let status = unsafe {
        sys::napi_get_cb_info(env, info, &mut count, arguments.as_mut_ptr(), ptr::null_mut(), &mut data)
    };
    // SAFETY: `data` is the `Rc<NativeStore>` that `add_function` gave to this function; its finalizer has not run,
    // because the function is being called.
    let Some(store) =
        (unsafe { data.cast::<NativeStore>().as_ref() }).filter(|_| status == sys::Status::napi_ok)
    else {
        return ptr::null_mut();
    };
    let call = Call { env, store, arguments };
    let result = catch_unwind(AssertUnwindSafe(|| body(&call))).unwrap_or_else(|_| {
        Err(Error::new(
            ErrorCode::Io,
            "the addon failed in a way it should not: please report this with its output",
        ))
    });
    result.unwrap_or_else(|error| throw(env, &error))
}

/// Adds a function to `object` that calls `callback` with `store` as its data.
///
/// # Errors
/// `HIT_ARGUMENT` where Node-API refuses.
pub(crate) fn add_function(
    env: sys::napi_env,
    object: sys::napi_value,
    name: &str,
    callback: sys::napi_callback,
    store: &Rc<NativeStore>,
) -> Result<()> {
    let data = Rc::into_raw(Rc::clone(store)).cast_mut().cast();
    let length = name.len().cast_signed();
    let mut function = ptr::null_mut();
    // SAFETY: `name` is as long as `length` says; `data` lives until `release` gives it back.
    let made = check(unsafe {
        sys::napi_create_function(env, name.as_ptr().cast(), length, callback, data, &mut function)
    })
    .and_then(|()| {
        // SAFETY: `release` takes back exactly the count that `into_raw` gave.
        check(unsafe {
            sys::napi_add_finalizer(env, function, data, Some(release), ptr::null_mut(), ptr::null_mut())
        })
    });
    if made.is_err() {
        // SAFETY: without a finalizer nobody else gives the count back; an environment that goes down refuses both.
        unsafe { release(env, data, ptr::null_mut()) };
    }
    made?;
    set(env, object, name, function)
}

unsafe extern "C" fn release(_env: sys::napi_env, data: *mut std::ffi::c_void, _hint: *mut std::ffi::c_void) {
    // SAFETY: `data` came from `Rc::into_raw` in `add_function`, once, on this thread.
    drop(unsafe { Rc::from_raw(data.cast::<NativeStore>().cast_const()) });
}

impl Call<'_> {
    fn argument(&self, position: usize) -> sys::napi_value {
        self.arguments.get(position).copied().unwrap_or(ptr::null_mut())
    }

    pub(crate) fn number(&self, position: usize) -> Result<usize> {
        Ok(self.signed(position)?.try_into().unwrap_or(0))
    }

    pub(crate) fn signed(&self, position: usize) -> Result<i64> {
        let mut number = 0;
        // SAFETY: `number` is valid; a value that is no number answers with a status.
        check(unsafe { sys::napi_get_value_int64(self.env, self.argument(position), &mut number) })?;
        Ok(number)
    }

    pub(crate) fn bool(&self, position: usize) -> Result<bool> {
        let mut value = false;
        // SAFETY: as above.
        check(unsafe { sys::napi_get_value_bool(self.env, self.argument(position), &mut value) })?;
        Ok(value)
    }

    /// Where a typed array's memory is, and how many elements it has.
    fn typed_array(&self, position: usize, kind: sys::napi_typedarray_type) -> Result<(*mut u8, usize)> {
        let (mut found, mut length, mut data) = (0, 0, ptr::null_mut());
        // SAFETY: the pointers are valid; what is not asked for may be null.
        check(unsafe {
            sys::napi_get_typedarray_info(
                self.env,
                self.argument(position),
                &mut found,
                &mut length,
                &mut data,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        })?;
        if found != kind || (data.is_null() && length > 0) {
            return check(sys::Status::napi_invalid_arg).map(|()| (ptr::null_mut(), 0));
        }
        Ok((
            if data.is_null() { ptr::NonNull::<u64>::dangling().as_ptr().cast() } else { data.cast() },
            length,
        ))
    }

    /// The bytes of a `Uint8Array`.
    pub(crate) fn bytes(&self, position: usize) -> Result<&[u8]> {
        let (data, length) = self.typed_array(position, sys::TypedarrayType::uint8_array)?;
        // SAFETY: the array is an argument, so it lives during the call; JavaScript does not run meanwhile, and no
        // body asks for the same array both ways.
        Ok(unsafe { std::slice::from_raw_parts(data, length) })
    }

    /// The first bytes of a `Uint8Array`.
    pub(crate) fn first_bytes(&self, position: usize, length: usize) -> Result<&[u8]> {
        self.bytes(position)?.get(..length).ok_or_else(overrun)
    }

    #[expect(clippy::mut_from_ref, reason = "the memory is JavaScript's, and a call borrows each array once")]
    pub(crate) fn bytes_mut(&self, position: usize) -> Result<&mut [u8]> {
        let (data, length) = self.typed_array(position, sys::TypedarrayType::uint8_array)?;
        // SAFETY: as in `bytes`.
        Ok(unsafe { std::slice::from_raw_parts_mut(data, length) })
    }

    #[expect(clippy::mut_from_ref, reason = "the memory is JavaScript's, and a call borrows each array once")]
    pub(crate) fn words(&self, position: usize) -> Result<&mut [u32]> {
        let (data, length) = self.typed_array(position, sys::TypedarrayType::uint32_array)?;
        // SAFETY: as in `bytes`; a Uint32Array is aligned to its elements.
        Ok(unsafe { std::slice::from_raw_parts_mut(data.cast(), length) })
    }

    /// A `Uint8Array`, or `None` for `null`.
    pub(crate) fn optional_bytes(&self, position: usize) -> Result<Option<&[u8]>> {
        let mut kind = 0;
        // SAFETY: `kind` is valid.
        check(unsafe { sys::napi_typeof(self.env, self.argument(position), &mut kind) })?;
        if kind == sys::ValueType::napi_null { Ok(None) } else { self.bytes(position).map(Some) }
    }
}

/// A length that the buffers do not have.
pub(crate) fn overrun() -> Error {
    Error::new(ErrorCode::Argument, "a length reaches behind the end of its buffer")
}

pub(crate) fn undefined(env: sys::napi_env) -> Result<sys::napi_value> {
    let mut value = ptr::null_mut();
    // SAFETY: `value` is valid.
    check(unsafe { sys::napi_get_undefined(env, &mut value) })?;
    Ok(value)
}

pub(crate) fn boolean(env: sys::napi_env, boolean: bool) -> Result<sys::napi_value> {
    let mut value = ptr::null_mut();
    // SAFETY: `value` is valid.
    check(unsafe { sys::napi_get_boolean(env, boolean, &mut value) })?;
    Ok(value)
}

pub(crate) fn number(env: sys::napi_env, number: f64) -> Result<sys::napi_value> {
    let mut value = ptr::null_mut();
    // SAFETY: `value` is valid.
    check(unsafe { sys::napi_create_double(env, number, &mut value) })?;
    Ok(value)
}

/// A string of ASCII or UTF-8 bytes, which the caller has checked.
pub(crate) fn text(env: sys::napi_env, text: &str) -> Result<sys::napi_value> {
    let mut value = ptr::null_mut();
    let (data, length) = (text.as_ptr().cast(), text.len().cast_signed());
    // SAFETY: `data` is as long as `length` says.
    check(unsafe {
        if text.is_ascii() {
            sys::napi_create_string_latin1(env, data, length, &mut value)
        } else {
            sys::napi_create_string_utf8(env, data, length, &mut value)
        }
    })?;
    Ok(value)
}

/// A `Uint8Array` of its own memory.
pub(crate) fn byte_array(env: sys::napi_env, bytes: &[u8]) -> Result<sys::napi_value> {
    let (mut data, mut buffer, mut value) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: the new buffer has `bytes.len()` bytes at `data`, which nobody else knows yet.
    unsafe {
        check(sys::napi_create_arraybuffer(env, bytes.len(), &mut data, &mut buffer))?;
        if !bytes.is_empty() {
            ptr::copy_nonoverlapping(bytes.as_ptr(), data.cast(), bytes.len());
        }
        let kind = sys::TypedarrayType::uint8_array;
        check(sys::napi_create_typedarray(env, kind, bytes.len(), buffer, 0, &mut value))?;
    }
    Ok(value)
}

pub(crate) fn object(env: sys::napi_env) -> Result<sys::napi_value> {
    let mut value = ptr::null_mut();
    // SAFETY: `value` is valid.
    check(unsafe { sys::napi_create_object(env, &mut value) })?;
    Ok(value)
}

pub(crate) fn array(env: sys::napi_env, items: &[sys::napi_value]) -> Result<sys::napi_value> {
    let mut value = ptr::null_mut();
    // SAFETY: `value` is valid, and the items are values of this scope.
    unsafe {
        check(sys::napi_create_array_with_length(env, items.len(), &mut value))?;
        for (position, item) in (0..).zip(items) {
            check(sys::napi_set_element(env, value, position, *item))?;
        }
    }
    Ok(value)
}

pub(crate) fn set(
    env: sys::napi_env,
    object: sys::napi_value,
    name: &str,
    value: sys::napi_value,
) -> Result<()> {
    let key = text(env, name)?;
    // SAFETY: all three are values of this scope.
    check(unsafe { sys::napi_set_property(env, object, key, value) })
}
