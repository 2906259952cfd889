//! How long a search may go on: a number of iterations, or until the caller's clock says stop. The search asks between
//! iterations and does not know which of the two it was, so an answer depends on the number of iterations alone.

/// Iterations from one look at the clock to the next.
const BETWEEN_LOOKS: u64 = 1024;

/// The end of a search.
pub struct Budget<'a> {
    /// Most iterations.
    pub iterations: u64,
    /// Whether time is up.
    pub expired: &'a mut dyn FnMut() -> bool,
}

impl Budget<'_> {
    /// Whether iteration number `done`, counted from 0, is to be made.
    #[inline]
    pub fn allows(&mut self, done: u64) -> bool {
        self.allows_looking_each(done, BETWEEN_LOOKS)
    }

    /// The same for iterations long enough to look at the clock more often.
    #[inline]
    pub fn allows_looking_each(&mut self, done: u64, between: u64) -> bool {
        done < self.iterations && (!done.is_multiple_of(between) || !(self.expired)())
    }
}
