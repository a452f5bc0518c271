//! Choices that need to be spread, not secret: which of several peers is taken.

/// A small generator (xorshift64*, Vigna 2016), the same for the same seed.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// By a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        // Zero would stay zero.
        Self(seed | 1)
    }

    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`; 0 when `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        match end {
            0 => 0,
            _ => self.roll() % end,
        }
    }

    /// All of them, in any order.
    pub fn shuffle<T>(&mut self, all: Vec<T>) -> Vec<T> {
        let number = all.len();
        self.take(all, number)
    }

    /// Takes up to `number` of `all`, in any order.
    pub fn take<T>(&mut self, mut all: Vec<T>, number: usize) -> Vec<T> {
        let mut taken = Vec::with_capacity(number.min(all.len()));
        while taken.len() < number && !all.is_empty() {
            let at = usize::try_from(self.below(all.len() as u64)).unwrap_or(0);
            taken.push(all.swap_remove(at));
        }
        taken
    }
}
