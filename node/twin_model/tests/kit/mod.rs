//! Chance for logs that are drawn from a known law: one seed, one log, on every machine.

/// A stream of chance: a linear congruential generator (Knuth's MMIX), of which the high bits are used.
pub struct Draw(pub u64);

impl Draw {
    /// A student's own stream; the first few numbers, which still look like the seed, are dropped.
    pub fn of_student(student: u64) -> Self {
        let mut draw = Self(student.wrapping_mul(0x9E37_79B9_7F4A_7C15) + 1);
        (0..3).for_each(|_| _ = draw.uniform());
        draw
    }

    /// Uniform in (0, 1).
    pub fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (((self.0 >> 11) as f64) + 0.5) / (1_u64 << 53) as f64
    }

    /// Standard normal (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        let (a, b) = (self.uniform(), self.uniform());
        (-2.0 * a.ln()).sqrt() * (2.0 * std::f64::consts::PI * b).cos()
    }

    /// A place below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.uniform() * n as f64) as usize
    }
}

/// The logistic curve.
pub fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
