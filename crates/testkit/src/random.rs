//! Chance that is the same in every run.

/// Numbers out of a seed (SplitMix64): good for tests, useless for secrets.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Begins at a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`; 0 when that is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.number() % (limit.max(1) as u64)).unwrap_or(0)
    }

    /// One of them; `None` when there are none.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }

    /// True once in `of` times.
    pub fn once_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    /// Puts a list into some order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for at in (1..list.len()).rev() {
            list.swap(at, self.below(at + 1));
        }
    }

    /// Changes a few bytes: flips, cuts, insertions, repetitions, other heads.
    pub fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len());
            let byte = u8::try_from(self.number() & 0xff).unwrap_or(0);
            match self.below(8) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, byte),
                2 if !bytes.is_empty() => drop(bytes.remove(at)),
                3 => {
                    let part = bytes[at..]
                        .iter()
                        .take(self.below(40))
                        .copied()
                        .collect::<Vec<_>>();
                    let to = self.below(bytes.len());
                    bytes.splice(to..to, part);
                }
                4 => {
                    let odd = [
                        0x00, 0x17, 0x18, 0x19, 0x1b, 0x1f, 0x40, 0x5f, 0x60, 0x80, 0xf6,
                    ];
                    let odd = self.pick(&odd).copied().unwrap_or(0xff);
                    bytes.get_mut(at).into_iter().for_each(|place| *place = odd);
                }
                5 => bytes
                    .get_mut(at)
                    .into_iter()
                    .for_each(|place| *place = byte),
                _ => {
                    let bit = 1 << self.below(8);
                    bytes
                        .get_mut(at)
                        .into_iter()
                        .for_each(|place| *place ^= bit);
                }
            }
        }
    }
}
