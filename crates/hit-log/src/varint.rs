//! Lengths of 0 to 2^28 - 1 in one to four bytes: seven bits a byte, the low ones first, the top bit says that more
//! follow. Only the shortest form is valid, so that equal operations have equal bytes.

/// The most bytes of a length.
pub(crate) const MAX_VARINT_BYTES: usize = 4;

/// Appends `length`, which the limits keep below 2^28.
#[inline]
pub(crate) fn write(target: &mut Vec<u8>, mut length: usize) {
    debug_assert!(length < 1 << (7 * MAX_VARINT_BYTES));
    while length >= 0x80 {
        target.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    target.push(length as u8);
}

/// Takes a length from the front; `None` when it is cut, too long or not in its shortest form.
#[inline]
pub(crate) fn take(bytes: &mut &[u8]) -> Option<usize> {
    let (&first, rest) = bytes.split_first()?;
    *bytes = rest;
    if first < 0x80 {
        return Some(usize::from(first));
    }
    let mut length = usize::from(first & 0x7f);
    for shift in [7, 14, 21] {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        length |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return (byte != 0).then_some(length);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_comes_back_in_its_shortest_form() {
        for (length, bytes) in
            [(0, 1), (127, 1), (128, 2), (16_383, 2), (16_384, 3), (2_097_152, 4), ((1 << 28) - 1, 4)]
        {
            let mut target = Vec::new();
            write(&mut target, length);
            assert_eq!(target.len(), bytes);
            assert_eq!(take(&mut target.as_slice()), Some(length));
        }
    }

    #[test]
    fn a_cut_a_padded_and_an_endless_length_are_refused() {
        for bytes in [&[][..], &[0x80], &[0x80, 0x00], &[0xff, 0xff, 0x00], &[0xff, 0xff, 0xff, 0xff, 0x01]] {
            assert_eq!(take(&mut &*bytes), None, "{bytes:?}");
        }
    }
}
