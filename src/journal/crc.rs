//! CRC-32 as in zip and PNG (ITU-T V.42): it detects all errors that lie within 32 consecutive bits.

use std::sync::LazyLock;

type Table = [u32; 256];

/// The polynomial, its lowest bit first.
const POLYNOMIAL: u32 = 0xEDB8_8320;

/// `TABLES[n]` holds the effect of each byte on the checksum if `n` more bytes follow it. With eight
/// tables, one step processes eight bytes. The tables are computed at their first use: their bytes do not
/// compress, so they would add 8 KB to the Worker.
static TABLES: LazyLock<[Table; 8]> = LazyLock::new(|| {
    let table = std::array::from_fn(|byte| {
        (0..8).fold(u32::try_from(byte).unwrap_or_default(), |crc, _| {
            (crc >> 1) ^ if crc & 1 == 1 { POLYNOMIAL } else { 0 }
        })
    });
    let mut tables = [table; 8];
    let mut before = table;
    for next in tables.iter_mut().skip(1) {
        *next = before.map(|crc| (crc >> 8) ^ entry(&table, crc.to_le_bytes()[0]));
        before = *next;
    }
    tables
});

/// The checksum of these bytes.
pub(super) fn crc(bytes: &[u8]) -> u32 {
    let [t0, t1, t2, t3, t4, t5, t6, t7] = &*TABLES;
    let (words, rest) = bytes.as_chunks();
    let mut crc = u32::MAX;
    for &[a, b, c, d, e, f, g, h] in words {
        let [a, b, c, d] = (crc ^ u32::from_le_bytes([a, b, c, d])).to_le_bytes();
        crc = entry(t7, a)
            ^ entry(t6, b)
            ^ entry(t5, c)
            ^ entry(t4, d)
            ^ entry(t3, e)
            ^ entry(t2, f)
            ^ entry(t1, g)
            ^ entry(t0, h);
    }
    for byte in rest {
        crc = (crc >> 8) ^ entry(t0, crc.to_le_bytes()[0] ^ byte);
    }
    !crc
}

/// The entry for a byte. The compiler sees that a byte is always a valid index.
fn entry(table: &Table, byte: u8) -> u32 {
    table.get(usize::from(byte)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition of the checksum, bit by bit.
    fn naive(bytes: &[u8]) -> u32 {
        let mut crc = u32::MAX;
        for byte in bytes {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = (crc >> 1) ^ if crc & 1 == 1 { POLYNOMIAL } else { 0 };
            }
        }
        !crc
    }

    #[test]
    fn published_values() {
        assert_eq!(crc(b""), 0);
        assert_eq!(crc(b"123456789"), 0xCBF4_3926);
        let text = b"The quick brown fox jumps over the lazy dog";
        assert_eq!(crc(text), 0x414F_A339);
    }

    #[test]
    fn every_length_agrees_with_the_definition() {
        let bytes: Vec<u8> = (0..=100_u8).map(|n| n.wrapping_mul(37)).collect();
        for len in 0..=bytes.len() {
            let bytes = bytes.get(..len).unwrap_or_default();
            assert_eq!(crc(bytes), naive(bytes), "{len} bytes");
        }
    }
}
