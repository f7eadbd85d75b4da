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

/// Appends a number of up to 56 bits, in one to eight bytes.
#[inline]
pub(crate) fn write_long(target: &mut Vec<u8>, mut number: u64) {
    debug_assert!(number < 1 << 56);
    while number >= 0x80 {
        target.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    target.push(number as u8);
}

/// Takes a number of up to 56 bits; `None` when it is cut, too long or not in its shortest form.
#[inline]
pub(crate) fn take_long(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..56).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return (byte != 0 || shift == 0).then_some(number);
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
    fn a_long_number_comes_back_and_has_one_form() {
        for (number, bytes) in [(0, 1), (127, 1), (128, 2), ((1 << 53) - 1, 8), ((1 << 56) - 1, 8)] {
            let mut target = Vec::new();
            write_long(&mut target, number);
            assert_eq!(target.len(), bytes);
            assert_eq!(take_long(&mut target.as_slice()), Some(number));
            assert_eq!(take_long(&mut &target[..bytes - 1]), None);
        }
        assert_eq!(take_long(&mut &[0x80, 0x00][..]), None);
        assert_eq!(take_long(&mut &[0xff; 9][..]), None);
    }

    #[test]
    fn a_cut_a_padded_and_an_endless_length_are_refused() {
        for bytes in [&[][..], &[0x80], &[0x80, 0x00], &[0xff, 0xff, 0x00], &[0xff, 0xff, 0xff, 0xff, 0x01]] {
            assert_eq!(take(&mut &*bytes), None, "{bytes:?}");
        }
    }
}
