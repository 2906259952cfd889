//! Hears of spans as they are made, recorded and closed.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rand::Rng;
use tracing::field::{Field as Recorded, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::known::{self, Known, TARGET};
use super::{Closed, Told, Traces};

/// Most characters of a word.
const MAX_WORD: usize = 120;

/// A span that is open.
struct Open {
    /// Nothing of a trace that is not told.
    span: Option<Closed>,
    since: Instant,
}

struct Hearing(Traces);

/// The layer, which is asked for the table's spans alone.
pub(crate) fn filtered<S>(traces: Traces) -> impl Layer<S> + Send + Sync + use<S>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    let known: fn(&tracing::Metadata<'_>) -> bool = |meta| meta.is_span() && meta.target() == TARGET;
    Hearing(traces).with_filter(FilterFn::new(known))
}

/// Notes the fields that the table has.
struct Noting<'a> {
    known: &'static Known,
    fields: &'a mut Vec<(&'static known::Field, Told)>,
}

impl Noting<'_> {
    fn note(&mut self, name: &str, value: Told) {
        let Some(field) = self.known.field(name) else { return };
        match self.fields.iter_mut().find(|(own, _)| *own == field) {
            Some((_, old)) => *old = value,
            None => self.fields.push((field, value)),
        }
    }
}

impl Visit for Noting<'_> {
    fn record_str(&mut self, field: &Recorded, value: &str) {
        self.note(field.name(), Told::Word(value.chars().take(MAX_WORD).collect()));
    }

    fn record_i64(&mut self, field: &Recorded, value: i64) {
        self.note(field.name(), Told::Number(value));
    }

    fn record_u64(&mut self, field: &Recorded, value: u64) {
        self.note(field.name(), Told::Number(i64::try_from(value).unwrap_or(i64::MAX)));
    }

    fn record_bool(&mut self, field: &Recorded, value: bool) {
        self.note(field.name(), Told::Truth(value));
    }

    /// Whatever is shown by `Debug` or `Display` may hold anything.
    fn record_debug(&mut self, _: &Recorded, _: &dyn std::fmt::Debug) {}
}

fn now_ns() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos()
}

impl<S> Layer<S> for Hearing
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let meta = attributes.metadata();
        let Some(known) = known::span(meta.target(), meta.name()) else { return };
        let Some(span) = context.span(id) else { return };
        // The nearest above it that is of the table.
        let above = span.scope().skip(1).find_map(|above| {
            let extensions = above.extensions();
            let open = extensions.get::<Open>()?;
            Some(open.span.as_ref().map(|span| (span.trace, span.id)))
        });
        let mut random = rand::thread_rng();
        let (is_told, trace, parent) = match above {
            Some(Some((trace, parent))) => (true, trace, Some(parent)),
            Some(None) => (false, [0; 16], None),
            None => (random.gen_range(0..self.0.one_in) == 0, random.r#gen(), None),
        };
        let closed = is_told.then(|| {
            let mut fields = Vec::new();
            attributes.record(&mut Noting { known, fields: &mut fields });
            Closed { known, trace, id: random.r#gen(), parent, begun_ns: now_ns(), ended_ns: 0, fields }
        });
        span.extensions_mut().insert(Open { span: closed, since: Instant::now() });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut extensions = span.extensions_mut();
        if let Some(Open { span: Some(open), .. }) = extensions.get_mut::<Open>() {
            values.record(&mut Noting { known: open.known, fields: &mut open.fields });
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let open = context.span(&id).and_then(|span| span.extensions_mut().remove::<Open>());
        if let Some(Open { span: Some(mut closed), since }) = open {
            // A clock that is set meanwhile makes no span end before it began.
            closed.ended_ns = closed.begun_ns.saturating_add(since.elapsed().as_nanos());
            self.0.send(closed);
        }
    }
}
