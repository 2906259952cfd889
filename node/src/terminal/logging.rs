//! Logs go to stderr: text for people on a terminal, JSON lines when the configuration asks for them.
//!
//! Beside it spans go to a collector, where `[telemetry]` or OpenTelemetry's variables name one. What is logged can be changed while a process runs: it reads
//! `[log] filter` again at SIGHUP, and looks at what `aula node log-level` left in the home. How lines look cannot.

use std::ffi::OsStr;
use std::io::{ErrorKind, IsTerminal};
use std::sync::OnceLock;
use std::time::Duration;

use aula_files::{regular_at_most, text_of};
use aula_home::Home;
use aula_home::config::{Config, LogFormat, Sovereignty};
use aula_traces::{Settings, Traces};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, reload};

use super::Context;

/// How often a process looks at what `aula node log-level` asks for.
const LOOK: Duration = Duration::from_secs(2);

/// Longest filter of `aula node log-level`, in bytes: hundreds of modules, each with its level. What every process of a home reads every two
/// seconds and tries as often as it changes must stay small.
pub(crate) const MOST_FILTER_BYTES: u64 = 16 << 10;

/// What the home's file asks for, none where there is none; or why that cannot be told.
type Asked = Result<Option<String>, String>;

/// Puts another filter in place of the one in force; says why it could not.
type Exchange = Box<dyn Fn(EnvFilter) -> Result<(), String> + Send + Sync>;

static EXCHANGE: OnceLock<Exchange> = OnceLock::new();

/// Starts logging by flag or environment, else by the home's configuration, else warnings only; and tells spans, where that is asked for.
///
/// A configuration that cannot be read is reported by the subcommand that needs it, not here.
pub(crate) fn start(context: &Context) -> Option<Traces> {
    let loaded = Config::load(&context.home);
    // Other settings may be refused; the rule binds the collector that a variable names. Where it cannot be told, nothing is.
    let rule = match &loaded {
        Ok(config) => Some(config.sovereignty.clone()),
        Err(_) => Sovereignty::alone(&context.home).ok(),
    };
    let config = loaded.unwrap_or_default();
    let wanted = context.log.clone().unwrap_or_else(|| config.log.filter.clone());
    let filter = EnvFilter::try_new(&wanted).unwrap_or_else(|error| {
        context.tell(format_args!("aula: log filter {wanted:?} is not understood ({error}); using warn"));
        EnvFilter::new("warn")
    });
    let traces = traces(context, &config, rule.as_ref());
    // The filter is the lines' alone: what is logged says nothing of which spans are told.
    let (filter, handle) = reload::Layer::new(filter);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(wants_color(std::io::stderr().is_terminal(), std::env::var_os("NO_COLOR").as_deref()));
    let lines = match config.log.format {
        LogFormat::Json => lines.json().boxed(),
        LogFormat::Text => lines.boxed(),
    };
    let told = traces.as_ref().map(Traces::layer);
    // Starting only fails when logging was started before, as in tests.
    if tracing_subscriber::registry().with(lines.with_filter(filter)).with(told).try_init().is_ok() {
        let exchange: Exchange = Box::new(move |filter| handle.reload(filter).map_err(|e| e.to_string()));
        let _ = EXCHANGE.set(exchange);
    }
    traces
}

/// Who tells spans; none where nobody asks for it, or it may not be.
fn traces(context: &Context, config: &Config, rule: Option<&Sovereignty>) -> Option<Traces> {
    let asked = collector(config, rule, |name| std::env::var(name).ok())?;
    let started = asked.and_then(|settings| Traces::start(&settings).map_err(|error| error.to_string()));
    started.map_err(|why| context.tell(format_args!("aula: no spans are sent: {why}"))).ok()
}

/// Where spans are to be told, or why they may not be; none where nobody asks for it.
fn collector(
    config: &Config,
    rule: Option<&Sovereignty>,
    variable: impl Fn(&str) -> Option<String>,
) -> Option<Result<Settings, String>> {
    let address = Settings::address(config.telemetry.otlp.as_deref(), variable)?;
    Some(match rule.map(|rule| rule.of_host("the collector of spans", &address)) {
        Some(Ok(_)) => Ok(Settings {
            address,
            one_in: config.telemetry.one_in,
            version: env!("CARGO_PKG_VERSION").into(),
            tenant: config.quotas.tenant.clone(),
        }),
        Some(Err(outside)) => Err(outside.to_string()),
        None => Err("config.toml is refused, and with it the rule of [sovereignty]".into()),
    })
}

/// From now on, what is logged follows `aula node log-level`, and each SIGHUP makes this process read `[log] filter` again. On a terminal the
/// signal means that it was closed and ends the process, as it does any other.
pub(crate) fn follow_filter(context: &Context) {
    let is_terminal = std::io::stderr().is_terminal();
    let mut hangups = (!is_terminal).then(|| signal(SignalKind::hangup()).ok()).flatten();
    let context = context.clone();
    tokio::spawn(async move {
        let (mut asked, mut is_told) = (Ok(None), false);
        loop {
            let now = asked_for(&context.home);
            if is_told || now != asked {
                asked = now;
                context.tell(taken(&context, &asked));
            }
            is_told = tokio::select! {
                () = hangup(hangups.as_mut()) => true,
                () = tokio::time::sleep(LOOK) => false,
            };
        }
    });
}

/// Puts in force what is asked for now; gives what is to be said of it.
fn taken(context: &Context, asked: &Asked) -> String {
    let tried = asked.clone().and_then(|asked| {
        let filter = wanted(context, asked.as_deref()).and_then(exchange)?;
        Ok(format!("aula: logging {filter:?} from now on{}", says(context, asked.as_deref())))
    });
    tried.unwrap_or_else(|why| format!("aula: what is logged stays as it was: {why}"))
}

/// The next SIGHUP; never, where none is heard.
async fn hangup(hangups: Option<&mut Signal>) {
    let is_there = match hangups {
        Some(hangups) => hangups.recv().await.is_some(),
        None => false,
    };
    if !is_there {
        std::future::pending::<()>().await;
    }
}

/// What `aula node log-level` asks of every process of this home; none where it was not run, or was taken back. What else lies there asks nothing.
fn asked_for(home: &Home) -> Asked {
    let path = home.log_filter_file();
    match regular_at_most(&path, MOST_FILTER_BYTES).and_then(text_of) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!(
            "{} cannot be read ({error}); move it away, then `aula node log-level FILTER` or --reset",
            path.display()
        )),
    }
}

/// The filter that is to be in force: what was asked for last stands above what was given at the start, and that above config.toml.
fn wanted(context: &Context, asked: Option<&str>) -> Result<String, String> {
    if let Some(filter) = asked.or(context.log.as_deref()) {
        return Ok(filter.to_owned());
    }
    Config::load(&context.home).map(|config| config.log.filter).map_err(|error| error.to_string())
}

/// Whose word that is, where it is not config.toml's.
fn says(context: &Context, asked: Option<&str>) -> &'static str {
    match (asked, &context.log) {
        (Some(_), _) => ", as `aula node log-level` says",
        (None, Some(_)) => {
            ", as --log or AULA_LOG says, which stand above config.toml; `aula node log-level` stands above both"
        }
        (None, None) => "",
    }
}

fn exchange(wanted: String) -> Result<String, String> {
    let filter = EnvFilter::try_new(&wanted)
        .map_err(|error| format!("log filter {wanted:?} is not understood ({error})"))?;
    EXCHANGE.get().map_or_else(|| Err("logging was not started".to_owned()), |exchange| exchange(filter))?;
    Ok(wanted)
}

/// Colours on a terminal, unless NO_COLOR says anything (no-color.org).
fn wants_color(is_terminal: bool, no_color: Option<&OsStr>) -> bool {
    is_terminal && no_color.is_none_or(OsStr::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variables_collector_outside_of_the_places_is_told_nothing() {
        let rule = "[[sovereignty.place]]\nname = 'county'\nhosts = ['*.county.example']\n";
        let of = |text: &str| toml::from_str::<Config>(text).expect("a configuration");
        let address = |config: &Config, rule: Option<&Sovereignty>, variable: &str, to: &str| {
            let asked = collector(config, rule, |name| (name == variable).then(|| to.to_owned()));
            asked.map(|told| told.map(|settings| settings.address))
        };
        let bound = of(rule);
        let (all, spans) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
        assert_eq!(address(&bound, Some(&bound.sovereignty), "OTHER", "https://a.elsewhere.example"), None);
        for variable in [all, spans] {
            let told = |to: &str| address(&bound, Some(&bound.sovereignty), variable, to);
            assert!(matches!(told("https://spans.county.example"), Some(Ok(to)) if to.contains("county")));
            let away = told("https://spans.elsewhere.example").and_then(Result::err).unwrap_or_default();
            assert!(away.contains("spans.elsewhere.example") && away.contains("[sovereignty]"), "{away}");
            // The rule cannot be read: nothing is told, wherever it would be.
            assert!(matches!(address(&bound, None, variable, "https://spans.county.example"), Some(Err(_))));
        }
        // A variable does not lead past the rule because the settings' own collector is inside.
        let own = of(&format!("[telemetry]\notlp = 'https://spans.county.example'\n{rule}"));
        assert!(matches!(address(&own, Some(&own.sovereignty), "OTHER", ""), Some(Ok(_))));
        assert!(matches!(
            address(&own, Some(&own.sovereignty), spans, "https://spans.elsewhere.example"),
            Some(Err(_))
        ));
        let free = Config::default();
        assert!(matches!(
            address(&free, Some(&free.sovereignty), all, "https://anywhere.example"),
            Some(Ok(_))
        ));
    }

    #[test]
    fn what_was_asked_for_last_stands_above_what_was_given_and_that_above_the_settings()
    -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        std::fs::write(home.config_file(), "[log]\nfilter = 'error'\n")?;
        let output = crate::terminal::OutputFormat::Json;
        let own = Context { home: home.clone(), output, log: None };
        let given = Context { log: Some("info".into()), ..own.clone() };
        for (asked, filters) in [(None, ["error", "info"]), (Some("debug"), ["debug", "debug"])] {
            if let Some(asked) = asked {
                std::fs::write(home.log_filter_file(), format!("{asked}\n"))?;
            }
            let asked = asked_for(&home)?;
            for (context, filter) in [&own, &given].into_iter().zip(filters) {
                assert_eq!(wanted(context, asked.as_deref()), Ok(filter.to_owned()));
            }
        }
        std::fs::remove_file(home.log_filter_file())?;
        assert_eq!(asked_for(&home), Ok(None));
        std::fs::write(home.config_file(), "[log]\nfilter = 7\n")?;
        assert!(wanted(&own, None).is_err());
        Ok(())
    }

    #[test]
    fn what_lies_there_and_is_not_a_filter_file_changes_nothing_and_is_said_in_a_line()
    -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        let context = Context { home: home.clone(), output: crate::terminal::OutputFormat::Json, log: None };
        let path = home.log_filter_file();
        let said = |words: &str| {
            let said = taken(&context, &asked_for(&home));
            assert!(said.contains("stays as it was") && said.contains(words), "{said}");
            assert!(said.contains("log-filter") && said.contains("--reset"), "{said}");
            assert!(said.len() < 1_000, "a line, and not what lies there");
        };
        std::fs::write(&path, "aula=debug,".repeat(100_000))?;
        said("more than 16384 bytes");
        std::fs::write(&path, [0xff, 0xfe])?;
        said("utf-8");
        std::fs::remove_file(&path)?;
        std::fs::create_dir(&path)?;
        said("not a regular file");
        std::fs::remove_dir(&path)?;
        std::os::unix::fs::symlink(&path, &path)?;
        said("symbolic links");
        std::fs::remove_file(&path)?;
        assert_eq!(asked_for(&home), Ok(None));
        Ok(())
    }

    #[test]
    fn a_peer_that_is_away_does_not_fill_the_log() {
        let filter = EnvFilter::try_new(Config::default().log.filter).expect("a filter");
        tracing::subscriber::with_default(tracing_subscriber::registry().with(filter), || {
            // It is dialled every second or two, and the engine calls each attempt an error.
            assert!(
                !tracing::enabled!(target: "arc_malachitebft_discovery::handlers::dial", tracing::Level::ERROR)
            );
            assert!(!tracing::enabled!(target: "arc_malachitebft_network", tracing::Level::ERROR));
            assert!(tracing::enabled!(target: "arc_malachitebft_engine", tracing::Level::ERROR));
            assert!(tracing::enabled!(target: "aula_consensus", tracing::Level::INFO));
        });
    }

    #[test]
    fn no_color_is_heard() {
        assert!(wants_color(true, None) && wants_color(true, Some(OsStr::new(""))));
        assert!(!wants_color(true, Some(OsStr::new("1"))) && !wants_color(false, None));
    }
}
