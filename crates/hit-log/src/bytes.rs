//! Little-endian fields: taken from the front of a slice, put at the front of one.

/// Takes `N` bytes from the front.
#[inline]
pub(crate) fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (field, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*field)
}

/// Takes a `u32`.
#[inline]
pub(crate) fn take_u32(bytes: &mut &[u8]) -> Option<u32> {
    take(bytes).map(u32::from_le_bytes)
}

/// Takes a `u64`.
#[inline]
pub(crate) fn take_u64(bytes: &mut &[u8]) -> Option<u64> {
    take(bytes).map(u64::from_le_bytes)
}

/// Takes `length` bytes.
#[inline]
pub(crate) fn take_slice<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (field, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(field)
}

/// Puts a field at the front of what is left of a header.
#[inline]
pub(crate) fn put<const N: usize>(target: &mut &mut [u8], field: [u8; N]) {
    if let Some((place, rest)) = std::mem::take(target).split_first_chunk_mut() {
        *place = field;
        *target = rest;
    }
}
