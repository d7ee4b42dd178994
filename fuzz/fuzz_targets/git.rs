//! What a git server answers, whatever its bytes, is refused or read, within bounds.
//!
//! The code lives in the binary, which has no library: its two files are compiled in here as they are.

#![no_main]
#![expect(dead_code, reason = "the binary calls more of the two files than the target does")]

#[path = "../../src/source/git/pack.rs"]
mod pack;
#[path = "../../src/source/git/wire.rs"]
mod wire;

use libfuzzer_sys::fuzz_target;

use pack::Objects;

fuzz_target!(|bytes: &[u8]| {
    let _ = wire::dialect(bytes);
    let _ = wire::refs(bytes);
    if let Ok(pack) = wire::pack(bytes) {
        let _ = Objects::default().add(&pack);
    }
    let _ = Objects::default().add(&checked(pack_of(bytes)));
});

/// A pack whose entries are taken from `bytes`: a head of up to 31 bytes as it stands, and a content of up to 255.
fn pack_of(mut bytes: &[u8]) -> Vec<u8> {
    let mut take = |longest: u8| {
        let (length, rest) = bytes.split_first()?;
        let (taken, rest) = rest.split_at_checked(usize::from(length & longest))?;
        bytes = rest;
        Some(taken)
    };
    let (mut count, mut entries) = (0_u32, Vec::new());
    while let Some((head, content)) = take(31).zip(take(255)) {
        count += 1;
        entries.extend_from_slice(head);
        entries.extend(stored(content));
    }
    [b"PACK\0\0\0\x02", &count.to_be_bytes()[..], &entries].concat()
}

/// A zlib stream that holds `content` uncompressed, at most 255 bytes.
fn stored(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("a content's length is one byte");
    let (mut low, mut high) = (1_u32, 0_u32); // Adler-32
    for byte in content {
        low = (low + u32::from(*byte)) % 65_521;
        high = (high + low) % 65_521;
    }
    let checksum = (high << 16 | low).to_be_bytes();
    [&[0x78, 0x01, 0x01], &length.to_le_bytes()[..], &(!length).to_le_bytes(), content, &checksum].concat()
}

/// The same with its checksum, without which nothing else would be looked at.
fn checked(mut pack: Vec<u8>) -> Vec<u8> {
    let mut hasher = gix_hash::hasher(gix_hash::Kind::Sha1);
    hasher.update(&pack);
    pack.extend(hasher.try_finalize().expect("no test attacks SHA-1").as_slice());
    pack
}

/// What the two files take from the module around them.
mod source {
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct TooLarge(pub(crate) &'static str);

    impl std::fmt::Display for TooLarge {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }

    impl std::error::Error for TooLarge {}
}
