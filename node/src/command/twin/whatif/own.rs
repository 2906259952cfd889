//! The forked twins of a what-if: from disclosures or from the district's own vault, and what is told of them.
//!
//! Invariants: of a vault's students only aggregates are told, by the one rule of suppression: a persona is withheld
//! when it has few students or when few of it change band, and with it the next, so that no difference tells it.
//! Absent: the folding, which is [`super::twins`]'s.

use aula_home::Home;
use aula_ledger::rounds::report::may_show;
use serde::Serialize;

use super::effect::{self, Bands, Effect};
use super::twins::{Twins, anchored};
use super::{Change, WhatIfArgs, fork};
use crate::command::evidence::act::Act;
use crate::command::evidence::disclose::Own;
use crate::command::evidence::undisclosed::Undisclosed;
use crate::command::twin::progress;
use crate::command::twin_parameters::Voted;
use crate::command::vault::{Place, refused};
use crate::command::{Advise, Context, Failure, absolute};

/// What every figure about a method rests on.
const ASSUMED: &str = "need falls in proportion to the mastery that an hour of the method is planned to add, 2559 for a gain \
                       of one in every skill";

/// The twins that were forked.
#[derive(Debug, Serialize)]
pub struct TwinChange {
    /// Twins that were folded.
    folded: usize,
    /// How many gave the anchored hash.
    reproduced: usize,
    /// Students: the same student's disclosure may lie there twice.
    students: usize,
    /// Anchored students whom the vault's access check denied.
    denied: usize,
    /// The first files or handles that give no anchored hash.
    differs: Vec<String>,
    /// What the personas' figures rest on.
    assumed: &'static str,
    personas: Vec<Effect>,
    /// Personas that are too small to be shown.
    withheld: usize,
}

impl TwinChange {
    /// Whether every twin gave its anchored hash.
    pub fn all_reproduced(&self) -> bool {
        self.reproduced == self.folded
    }

    /// Lines for people.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "twins: {} of {} give the anchored hash ({} students); {} more are anchored and were not read (no consent, \
             withdrawn, or not in this vault)",
            self.reproduced, self.folded, self.students, self.denied
        )];
        if self.denied == 0 {
            lines = vec![format!(
                "twins: {} of {} give the anchored hash ({} students)",
                self.reproduced, self.folded, self.students
            )];
        }
        lines.extend(self.differs.iter().map(|name| {
            format!("  differs: {name} (anchored anew since: fork at an earlier --height; or its events were added to before the anchor's last)")
        }));
        lines.extend(self.personas.iter().map(Effect::text));
        if self.withheld > 0 {
            lines.push(format!("{} personas have too few students to be shown", self.withheld));
        }
        if self.personas.iter().any(Effect::is_changed) {
            lines.push(format!("assumed: {}; what the method really does is not known", self.assumed));
        }
        lines
    }
}

/// Forks the twins when there is a source of them, and applies the methods' changes to them.
///
/// # Errors
/// [`Undisclosed`]: a vault that denies the reader, a folder or vault that cannot be read.
pub fn forked(
    context: &Context,
    args: &WhatIfArgs,
    fork: &fork::Fork,
    changes: &[Change],
    concerned: &mut [bool],
) -> Result<(Option<TwinChange>, Bands), Undisclosed> {
    let twins = match (&args.twins, &args.from_vault) {
        (Some(dir), _) => {
            context.tell("folding the disclosed events");
            Twins::of_files(&fork.state, dir)?
        }
        (None, Some(home)) => from_vault(context, args, fork, home)?,
        (None, None) => return Ok((None, Bands::new())),
    };
    let bar = progress(twins.states.len() as u64);
    let count = usize::from(args.personas);
    let (personas, bands) = effect::effects(&twins, count, args.seed, changes, concerned, || bar.inc(1))?;
    bar.finish_and_clear();
    let all = personas.len();
    let personas = match args.from_vault {
        Some(_) => shown(personas, fork.min_cell_students),
        None => personas,
    };
    let change = TwinChange {
        folded: twins.folded,
        reproduced: twins.reproduced,
        students: twins.states.len(),
        denied: twins.denied,
        differs: twins.differs,
        assumed: ASSUMED,
        withheld: all - personas.len(),
        personas,
    };
    Ok((Some(change), bands))
}

fn from_vault(
    context: &Context,
    args: &WhatIfArgs,
    fork: &fork::Fork,
    home: &std::path::Path,
) -> Result<Twins, Undisclosed> {
    let home = Home::at(absolute(home)?);
    let own = Context { home, output: context.output, log: context.log.clone() };
    let place = Place { vault: None, keystore: None };
    let reader = Own { context: &own, place: &place, reader: args.credential.as_deref(), act: Act::plan() }
        .reader()?;
    let identity = reader.vault.identity().map_err(refused)?;
    if identity.genesis != fork.genesis {
        let message = format!("the vault is of chain {}, of another genesis", identity.chain_id);
        return Err(
            Failure::new("other_chain", message, "name the folder of a district of this chain").into()
        );
    }
    let voted = Voted::of_state(&fork.state, &own.home)
        .advise("the replayed state is unusable", "run aula replay on this home")?;
    let anchored = anchored(&fork.state, Some(identity.district))?;
    if anchored.is_empty() {
        let message =
            format!("district {} has no anchored student by height {}", identity.district, fork.height);
        return Err(Failure::new("no_twins", message, "fork at a later height").into());
    }
    context.tell(format!("reading {} students, each read listed in the vault's access log", anchored.len()));
    let bar = progress(anchored.len() as u64);
    let twins = Twins::of_vault(&anchored, &reader, &voted, || bar.inc(1))?;
    bar.finish_and_clear();
    Ok(twins)
}

/// Leaves out the personas that are too small, and where one alone would be left out the smallest other too: its
/// figures would follow from the total.
fn shown(mut personas: Vec<Effect>, least: u32) -> Vec<Effect> {
    let all = personas.len();
    personas.retain(|persona| may_show(&persona.counts(), least));
    if all == personas.len() + 1
        && let Some((at, _)) = personas.iter().enumerate().min_by_key(|(_, persona)| persona.twins)
    {
        personas.remove(at);
    }
    personas
}

#[cfg(test)]
mod tests {
    use super::*;

    fn persona(number: usize, twins: usize, bands_changed: usize) -> Effect {
        Effect { twins, bands_changed, ..Effect::unchanged(number) }
    }

    #[test]
    fn a_small_persona_is_withheld_with_another_that_hides_it() {
        let numbers = |list: &[(usize, usize)]| -> Vec<usize> {
            let all = list.iter().enumerate().map(|(n, (twins, bands))| persona(n, *twins, *bands)).collect();
            shown(all, 10).iter().map(|persona| persona.persona).collect()
        };
        assert_eq!(numbers(&[(30, 0), (20, 0), (40, 20)]), [0, 1, 2]);
        assert_eq!(numbers(&[(30, 0), (9, 0), (40, 0)]), [2]);
        assert_eq!(numbers(&[(30, 3), (20, 0), (40, 0)]), [2]);
        assert_eq!(numbers(&[(30, 25), (3, 0), (40, 0)]), [2]);
        assert_eq!(numbers(&[(4, 0)]), [0; 0]);
    }
}
