//! Reads a pack into memory: every object, whole, under the id that its content gives it.
//!
//! A pack comes from another machine. Sizes are checked before anything is inflated, and since an object is only ever
//! found by the hash of what it holds, a server can withhold but not forge.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use gix_hash::ObjectId;
use gix_object::Kind;
use gix_zlib::{Inflate, Status};

use crate::source::TooLarge;

/// The most bytes that a pack may have on its way.
pub(super) const PACK_LIMIT: usize = 32 << 20;

/// The most bytes that all objects may have together.
const OBJECTS_LIMIT: usize = 64 << 20;

/// The most objects.
const COUNT_LIMIT: u32 = 200_000;

/// How often the deltas that wait are gone through: git puts a base before what is made of it, so once is the rule.
const ROUNDS: usize = 64;

/// The checksum at a pack's end, and an object's id.
const HASH: usize = 20;

/// What a repository that is too large for memory is told.
pub(super) const TOO_LARGE: TooLarge = TooLarge(
    "the repository is larger than 64 MiB at this commit: keep schedules in one of their own, or let the server serve \
     parts of it (uploadpack.allowFilter)",
);

/// Objects by id.
#[derive(Debug, Default)]
pub(super) struct Objects {
    all: Vec<(Kind, Vec<u8>)>,
    by_id: BTreeMap<ObjectId, usize>,
    size: usize,
}

/// What an entry is a change of.
enum Base {
    Offset(usize),
    Id(ObjectId),
}

/// An entry as it stands in the pack.
enum Entry {
    Whole(Kind, Vec<u8>),
    Delta(Base, Vec<u8>),
}

/// What is left to read, and where that stands.
struct Cursor<'p> {
    pack: &'p [u8],
    at: usize,
}

impl Objects {
    /// The object of this id.
    pub(super) fn find(&self, id: &gix_hash::oid) -> Option<(Kind, &[u8])> {
        let (kind, content) = &self.all[*self.by_id.get(id)?];
        Some((*kind, content))
    }

    /// Takes in every object of a pack.
    ///
    /// # Errors
    /// That the pack is damaged, or holds more than memory is meant for.
    pub(super) fn add(&mut self, pack: &[u8]) -> Result<()> {
        let body = pack.len().checked_sub(HASH).context("the pack is cut off")?;
        ensure!(hash(&pack[..body])?.as_slice() == &pack[body..], "the pack is damaged: its checksum differs");
        let mut cursor = Cursor { pack: &pack[..body], at: 0 };
        ensure!(cursor.take(4)? == b"PACK" && cursor.number()? == 2, "the answer is no pack of version 2");
        let mut by_offset = BTreeMap::new();
        let mut waiting = Vec::new();
        let count = cursor.number()?;
        ensure!(count <= COUNT_LIMIT, TOO_LARGE);
        for _ in 0..count {
            let offset = cursor.at;
            match cursor.entry(offset, OBJECTS_LIMIT - self.size)? {
                Entry::Whole(kind, content) => drop(by_offset.insert(offset, self.insert(kind, content)?)),
                Entry::Delta(base, delta) => {
                    self.size += delta.len(); // deltas wait in memory too
                    waiting.push((offset, base, delta));
                }
            }
        }
        self.resolve(waiting, &mut by_offset)
    }

    /// Applies deltas whose base is there until none is left.
    fn resolve(&mut self, mut waiting: Vec<(usize, Base, Vec<u8>)>, at: &mut BTreeMap<usize, usize>) -> Result<()> {
        for _ in 0..ROUNDS {
            let mut still_waiting = Vec::new();
            for (offset, base, delta) in waiting {
                let found = match &base {
                    Base::Offset(offset) => at.get(offset),
                    Base::Id(id) => self.by_id.get(id),
                };
                match found.copied() {
                    None => still_waiting.push((offset, base, delta)),
                    Some(index) => {
                        let (kind, content) = &self.all[index];
                        let (kind, content) = (*kind, apply(content, &delta, OBJECTS_LIMIT - self.size)?);
                        at.insert(offset, self.insert(kind, content)?);
                    }
                }
            }
            waiting = still_waiting;
            if waiting.is_empty() {
                return Ok(());
            }
        }
        bail!("the pack is damaged: a delta has no base");
    }

    fn insert(&mut self, kind: Kind, content: Vec<u8>) -> Result<usize> {
        let id = gix_object::compute_hash(gix_hash::Kind::Sha1, kind, &content).map_err(|e| anyhow::anyhow!("{e}"))?;
        self.size += content.len();
        ensure!(self.size <= OBJECTS_LIMIT, TOO_LARGE);
        self.all.push((kind, content));
        let index = self.all.len() - 1;
        self.by_id.insert(id, index);
        Ok(index)
    }
}

impl<'p> Cursor<'p> {
    fn take(&mut self, count: usize) -> Result<&'p [u8]> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.pack.len()).context("the pack is cut off")?;
        let taken = &self.pack[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    fn number(&mut self) -> Result<u32> {
        Ok(self.take(4)?.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    fn entry(&mut self, offset: usize, room: usize) -> Result<Entry> {
        let first = self.byte()?;
        let low = usize::from(first & 0b1111);
        let size = if first & 0x80 == 0 { low } else { low | self.size(4)? };
        ensure!(size <= room, TOO_LARGE);
        let kind = match first >> 4 & 0b111 {
            1 => Kind::Commit,
            2 => Kind::Tree,
            3 => Kind::Blob,
            4 => Kind::Tag,
            6 => {
                let back = self.distance()?;
                let base = offset.checked_sub(back).context("the pack is damaged: a delta's base is before it")?;
                return Ok(Entry::Delta(Base::Offset(base), self.inflate(size)?));
            }
            7 => {
                let base = ObjectId::from_bytes_or_panic(self.take(HASH)?);
                return Ok(Entry::Delta(Base::Id(base), self.inflate(size)?));
            }
            other => bail!("the pack is damaged: there are no objects of type {other}"),
        };
        Ok(Entry::Whole(kind, self.inflate(size)?))
    }

    /// A number in groups of seven bits, the lowest first, from this bit on.
    fn size(&mut self, mut shift: u32) -> Result<usize> {
        let mut size = 0;
        loop {
            let byte = self.byte()?;
            ensure!(shift < 40, TOO_LARGE);
            size |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return Ok(size);
            }
        }
    }

    /// How far before a delta its base stands.
    fn distance(&mut self) -> Result<usize> {
        let mut byte = self.byte()?;
        let mut distance = usize::from(byte & 0x7f);
        while byte & 0x80 != 0 {
            ensure!(distance <= self.pack.len(), "the pack is damaged: a delta's base is before it");
            byte = self.byte()?;
            distance = (distance + 1) << 7 | usize::from(byte & 0x7f);
        }
        Ok(distance)
    }

    fn inflate(&mut self, size: usize) -> Result<Vec<u8>> {
        // One byte more than there should be: so the stream can end, and one that goes on is found out.
        let mut content = vec![0; size + 1];
        let (status, read, written) = Inflate::default()
            .once(&self.pack[self.at..], &mut content)
            .map_err(|error| anyhow::anyhow!("the pack is damaged: {error}"))?;
        ensure!(status == Status::StreamEnd && written == size, "the pack is damaged: an object has another size");
        self.at += read;
        content.truncate(size);
        Ok(content)
    }
}

fn hash(bytes: &[u8]) -> Result<ObjectId> {
    let mut hasher = gix_hash::hasher(gix_hash::Kind::Sha1);
    hasher.update(bytes);
    hasher.try_finalize().map_err(|error| anyhow::anyhow!("{error}"))
}

/// Carries out a delta: pieces copied from its base, and new ones.
fn apply(base: &[u8], delta: &[u8], room: usize) -> Result<Vec<u8>> {
    let mut delta = Cursor { pack: delta, at: 0 };
    ensure!(delta.size(0)? == base.len(), "the pack is damaged: a delta is for another base");
    let size = delta.size(0)?;
    ensure!(size <= room, TOO_LARGE);
    let mut made = Vec::with_capacity(size);
    while delta.at < delta.pack.len() {
        let code = delta.byte()?;
        let piece = match code {
            0 => bail!("the pack is damaged: a delta has an unknown instruction"),
            1..0x80 => delta.take(usize::from(code))?,
            0x80.. => {
                let mut fields = [0_usize; 2]; // offset from four bytes, length from three
                for bit in 0..7 {
                    if code & 1 << bit != 0 {
                        fields[bit / 4] |= usize::from(delta.byte()?) << (8 * (bit % 4));
                    }
                }
                let [offset, length] = fields;
                let length = if length == 0 { 0x1_0000 } else { length };
                base.get(offset..offset + length).context("the pack is damaged: a delta copies what is not there")?
            }
        };
        ensure!(made.len() + piece.len() <= size, "the pack is damaged: a delta makes too much");
        made.extend_from_slice(piece);
    }
    ensure!(made.len() == size, "the pack is damaged: a delta makes too little");
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delta_copies_and_inserts() {
        let delta = [11, 8, 0x91, 6, 5, 3, b'a', b'b', b'c'];
        assert_eq!(apply(b"hello world", &delta, 100).unwrap(), b"worldabc");
    }

    #[test]
    fn f58_a_delta_that_lies_about_sizes_is_refused() {
        for delta in [
            &[11, 9, 0x91, 6, 5, 3, b'a', b'b', b'c'][..],
            &[11, 2, 0x91, 6, 5],
            &[10, 5, 0x91, 6, 5],
            &[11, 5, 0x91, 7, 5],
            &[11, 5, 0],
            &[11, 5, 9, b'a'],
        ] {
            assert!(apply(b"hello world", delta, 100).is_err(), "{delta:?}");
        }
        let huge = [11, 0xff, 0xff, 0xff, 0xff, 0x7f];
        assert_eq!(apply(b"hello world", &huge, 100).unwrap_err().to_string(), TOO_LARGE.to_string());
    }

    #[test]
    fn f58_an_object_that_claims_to_be_huge_is_refused_before_it_is_inflated() {
        let mut pack = b"PACK\0\0\0\x02\0\0\0\x01".to_vec();
        pack.extend([0xbf, 0xff, 0xff, 0xff, 0x7f]);
        let checksum = hash(&pack).unwrap();
        pack.extend(checksum.as_slice());
        assert_eq!(Objects::default().add(&pack).unwrap_err().to_string(), TOO_LARGE.to_string());
    }

    #[test]
    fn f58_a_damaged_pack_is_refused() {
        for pack in [&b""[..], b"PACK", &[0; 40]] {
            assert!(Objects::default().add(pack).is_err());
        }
    }
}
