//! One zone by the hourly method of ISO 13790 annex C.
//!
//! An hour is linear in what it starts from, so the whole method is twelve factors, worked out once a zone: temperature
//! of the air and of the mass at the hour's end from mass before, outdoor air, internal and solar gains, and what is
//! heated (C.4 to C.11). Heating is then what brings the air to its set point (C.4.2 without the trial step: the trial
//! only finds the factor that is known here).
//!
//! Units: temperatures in micro-kelvin (or µ°C), powers in milliwatts, conductances in µW/K; factors have 34 bits
//! (temperature by temperature) or are µK per mW with as many.

/// Fractional bits of the factors.
const BITS: u32 = 34;
const ONE: i128 = 1 << 40;
/// Surface to mass, W/(m²K), as ISO has it.
const H_MS_TENTHS: i128 = 91;
/// Surface to air, W/(m²K).
const H_IS_HUNDREDTHS: i128 = 345;

/// What a zone is made of, in units × 10⁶: 35 m² is 35,000,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fabric {
    /// Floor, m² × 10⁶.
    pub floor_area: i64,
    /// All inner surfaces, m² × 10⁶.
    pub total_internal_area: i64,
    /// Walls to the outside, W/K × 10⁶.
    pub walls: i64,
    /// Windows, W/K × 10⁶.
    pub windows: i64,
    /// Ventilation and infiltration, W/K × 10⁶.
    pub air: i64,
    /// Heat capacity, J/K.
    pub capacity: i64,
    /// Whether the walls are coupled to the mass as ISO has it, through 1/h_ms, or straight.
    pub iso_coupling: bool,
}

/// Set points and limits of an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Control {
    /// Heated below, µ°C.
    pub heat_below: i64,
    /// Cooled above, µ°C.
    pub cool_above: i64,
    /// Most heating, mW.
    pub most_heating: i64,
    /// Most cooling, mW, above 0.
    pub most_cooling: i64,
}

/// What an hour brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gains {
    /// Outdoor air, µ°C.
    pub outdoor: i64,
    /// People, lights, plugs, mW.
    pub internal: i64,
    /// Sun, mW.
    pub solar: i64,
}

/// What an hour ends in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Step {
    /// Heated, mW, or cooled, below 0.
    pub demand: i64,
    /// Air, µ°C.
    pub air: i64,
    /// Mass at the end, µ°C.
    pub mass: i64,
}

/// The factors of one result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Factors {
    mass: i64,
    outdoor: i64,
    internal: i64,
    solar: i64,
    demand: i64,
}

/// A zone, ready to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone {
    air: Factors,
    mass: Factors,
}

impl Zone {
    /// The zone of a fabric; none when its areas cannot be (no floor, inner surfaces less than the mass needs).
    #[must_use]
    pub fn new(fabric: &Fabric) -> Option<Self> {
        let network = Network::new(fabric)?;
        let narrow = |value: i128, shift: u32| i64::try_from(value >> shift).ok();
        let factor = |of: &dyn Fn(&Network, &[i128; 5]) -> i128| {
            let mut unit = [0i128; 5];
            let mut all = [0i64; 5];
            for (index, place) in all.iter_mut().enumerate() {
                unit.fill(0);
                // A kelvin, or a watt: for powers the factor is wanted per mW in µK, which is K/W times 1000.
                unit[index] = if index < 2 { ONE } else { ONE * 1000 };
                *place = narrow(of(&network, &unit), 40 - BITS)?;
            }
            let [mass, outdoor, internal, solar, demand] = all;
            Some(Factors { mass, outdoor, internal, solar, demand })
        };
        let zone = Self { air: factor(&Network::air)?, mass: factor(&Network::mass)? };
        (zone.air.demand > 0).then_some(zone)
    }

    /// One hour from the mass's temperature before it.
    #[must_use]
    pub fn step(&self, mass: i64, gains: &Gains, control: &Control) -> Step {
        let free = self.air.apply(mass, gains, 0);
        let wanted = if free < control.heat_below {
            control.heat_below
        } else if free > control.cool_above {
            control.cool_above
        } else {
            free
        };
        let exact = (i128::from(wanted - free) << BITS) / i128::from(self.air.demand);
        let demand = (exact as i64).clamp(-control.most_cooling, control.most_heating);
        Step { demand, air: self.air.apply(mass, gains, demand), mass: self.mass.apply(mass, gains, demand) }
    }
}

impl Factors {
    #[inline]
    fn apply(&self, mass: i64, gains: &Gains, demand: i64) -> i64 {
        let sum = i128::from(self.mass) * i128::from(mass)
            + i128::from(self.outdoor) * i128::from(gains.outdoor)
            + i128::from(self.internal) * i128::from(gains.internal)
            + i128::from(self.solar) * i128::from(gains.solar)
            + i128::from(self.demand) * i128::from(demand);
        ((sum + (1 << (BITS - 1))) >> BITS) as i64
    }
}

/// The resistances, in µW/K, and the shares of the gains, with 40 bits.
struct Network {
    em: i128,
    ms: i128,
    w: i128,
    is: i128,
    ve: i128,
    /// Capacity over an hour, µW/K.
    storage: i128,
    mass_share: i128,
    surface_share: i128,
}

impl Network {
    fn new(fabric: &Fabric) -> Option<Self> {
        let (floor, total) = (i128::from(fabric.floor_area), i128::from(fabric.total_internal_area));
        let mass_area = floor * 5 / 2;
        if floor <= 0 || total <= 0 || fabric.walls < 0 || fabric.windows < 0 || fabric.air < 0 {
            return None;
        }
        let ms = mass_area * H_MS_TENTHS / 10;
        let walls = i128::from(fabric.walls);
        let em = if fabric.iso_coupling { (walls < ms).then(|| walls * ms / (ms - walls))? } else { walls };
        let mass_share = mass_area * ONE / total;
        let surface_share = ONE - mass_share - i128::from(fabric.windows) * ONE * 10 / (H_MS_TENTHS * total);
        (surface_share >= 0).then_some(Self {
            em,
            ms,
            w: i128::from(fabric.windows),
            is: total * H_IS_HUNDREDTHS / 100,
            ve: i128::from(fabric.air),
            storage: i128::from(fabric.capacity) * 1_000_000 / 3600,
            mass_share,
            surface_share,
        })
    }

    /// Air and surface seen from the surface node: conductance to the supply air in series, and the share of what
    /// enters at the air node that reaches the surface.
    fn series(&self) -> (i128, i128) {
        let sum = self.ve + self.is;
        (self.ve * self.is / sum, self.is * ONE / sum)
    }

    /// Mass at the hour's end (C.4, C.5, C.6 to C.8): the state is (mass, outdoor, internal, solar, demand).
    fn mass(&self, [mass, outdoor, internal, solar, demand]: &[i128; 5]) -> i128 {
        let (h1, reaches) = self.series();
        let h2 = h1 + self.w;
        let h3 = h2 * self.ms / (h2 + self.ms);
        let (air_gain, surface_gain, mass_gain) = self.gains(*internal, *solar, *demand);
        // h3/h2 = ms/(h2 + ms), which is there without windows and air too.
        let pull = (self.w * outdoor + h1 * outdoor) / 1_000_000 + surface_gain + reaches * air_gain / ONE;
        let total = mass_gain + self.em * outdoor / 1_000_000 + self.ms * pull / (h2 + self.ms);
        let half = (h3 + self.em) / 2;
        let kept = (self.storage - half) * mass / 1_000_000;
        (kept + total) * 1_000_000 / (self.storage + half)
    }

    /// Air over the hour (C.9 to C.11), with the mass at the mean of start and end.
    fn air(&self, state: &[i128; 5]) -> i128 {
        let [mass, outdoor, internal, solar, demand] = state;
        let (h1, reaches) = self.series();
        let (air_gain, surface_gain, _) = self.gains(*internal, *solar, *demand);
        let mean = (mass + self.mass(state)) / 2;
        let entering = (self.ms * mean + self.w * outdoor + h1 * outdoor) / 1_000_000
            + surface_gain
            + reaches * air_gain / ONE;
        let surface = entering * 1_000_000 / (self.ms + self.w + h1);
        let sum = (self.is * surface + self.ve * outdoor) / 1_000_000 + air_gain;
        sum * 1_000_000 / (self.is + self.ve)
    }

    /// What reaches air, surface and mass (C.1 to C.3), W with 40 bits.
    fn gains(&self, internal: i128, solar: i128, demand: i128) -> (i128, i128, i128) {
        let shared = internal / 2 + solar;
        (internal / 2 + demand, self.surface_share * shared / ONE, self.mass_share * shared / ONE)
    }
}
