//! The fields of a protobuf message, one after the other: <https://protobuf.dev/programming-guides/encoding>.

use super::fault::WireError;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// A number, or a truth.
    Number(u64),
    /// A text, bytes, or a message.
    Bytes(&'a [u8]),
    /// What no field that is read holds.
    Fixed,
}

/// The fields of a message, with their numbers, in the order in which they were written.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    fn read(&mut self) -> Result<(u64, Value<'a>), WireError> {
        let key = self.number()?;
        let value = match key & 7 {
            0 => Value::Number(self.number()?),
            1 => self.take(8).map(|_| Value::Fixed)?,
            2 => {
                let length = usize::try_from(self.number()?).map_err(|_| WireError::Cut)?;
                Value::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Value::Fixed)?,
            _ => return Err(WireError::WireType),
        };
        Ok((key >> 3, value))
    }

    /// A number of variable length: seven bits in each byte, the lowest first.
    fn number(&mut self) -> Result<u64, WireError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.0.split_off_first().ok_or(WireError::Cut)?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(WireError::WireType)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        self.0.split_off(..length).ok_or(WireError::Cut)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Value<'a>), WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.read();
        if field.is_err() {
            // What follows cannot be told.
            self.0 = &[];
        }
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(message: &[u8]) -> Result<Vec<(u64, Value<'_>)>, WireError> {
        Fields(message).collect()
    }

    #[test]
    fn fields_of_every_wire_type_are_told_apart() {
        let message = b"\x08\x96\x01\x11ABCDEFGH\x1a\x02hi\x25abcd\xf2\x01\x00";
        let expect = [
            (1, Value::Number(150)),
            (2, Value::Fixed),
            (3, Value::Bytes(b"hi")),
            (4, Value::Fixed),
            (30, Value::Bytes(b"")),
        ];
        assert_eq!(read(message), Ok(expect.to_vec()));
        let below_zero = b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
        assert_eq!(read(below_zero), Ok(vec![(1, Value::Number(u64::MAX))]));
    }

    #[test]
    fn what_is_no_message_is_an_error_and_ends() {
        for (message, expect) in [
            (&b"\x08"[..], WireError::Cut),
            (b"\x1a\x03hi", WireError::Cut),
            (b"\x1a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", WireError::Cut),
            (b"\x11ABC", WireError::Cut),
            (b"\x0b", WireError::WireType),
            (b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", WireError::WireType),
        ] {
            assert_eq!(read(message), Err(expect), "{message:?}");
            assert_eq!(Fields(message).count(), 1);
        }
    }
}
