//! `aula doctor leaves`: what leaves the district, when, to whom, read from the settings and from what was sent.
//!
//! Flow: the settings name every way out → each with its place by `[sovereignty]`, when it goes, in which form → of scheduled
//! reports also the newest date that was sent, from the marks in the outbox. Absent: what a person carries away with a credential
//! or a link; those reads stand in the access log.

use std::path::Path;

use aula_traces::Settings;
use serde::Serialize;

use crate::command::{Context, Failure, Outcome};
use crate::config::{Config, Delivery, DeliveryBy, ReportEvery, ReportKind, ScheduledReport, host_of};
use crate::home::Home;

/// One thing that leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Leaving {
    /// What goes out, in words.
    pub what: String,
    /// Whether it tells of single students: `none`, `pseudonyms`, `named`.
    pub students: &'static str,
    /// Who gets it: an address, a place, or whoever asks.
    pub to: String,
    /// The place of `[sovereignty]`; none without a rule, or where none applies.
    pub place: Option<String>,
    /// At which moments: a schedule, an event, or by hand.
    pub when: String,
    /// The format, and whether it is encrypted.
    pub form: String,
    /// The newest date that was sent, where that is known.
    pub last: Option<String>,
    /// How many dates were sent, where that is known.
    pub times: Option<usize>,
}

#[derive(Debug, Serialize)]
struct Told {
    places: Vec<String>,
    leaves: Vec<Leaving>,
}

/// Lists it.
///
/// # Errors
/// Settings that are refused, among them those that name something outside of the places.
pub fn run(context: &Context) -> Result<Outcome, Failure> {
    let config = Config::load(&context.home)?;
    let leaves = leaving(&context.home, &config);
    let places: Vec<String> = config.sovereignty.place.iter().map(|place| place.name.clone()).collect();
    let mut lines = vec![match places.as_slice() {
        [] => "no places are named: [sovereignty] of config.toml keeps everything inside some".to_owned(),
        places => format!("everything below stays in: {}", places.join(", ")),
    }];
    for one in &leaves {
        let place = one.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
        let last = one.last.as_ref().map(|date| format!("; last {date}")).unwrap_or_default();
        lines.push(format!(
            "{}\n    to {}{place}, {}{last}\n    {}; students: {}",
            one.what, one.to, one.when, one.form, one.students
        ));
    }
    Ok(Outcome::yes(Told { places, leaves }, lines.join("\n")))
}

/// Every way out, as config.toml has it.
fn leaving(home: &Home, config: &Config) -> Vec<Leaving> {
    let mut all = vec![Leaving {
        what: "state hashes, commitments, requests and roots on the ledger".into(),
        students: "pseudonyms",
        to: "every validator and follower of the consortium".into(),
        place: None,
        when: "at each anchor and each round".into(),
        form: "signed transactions; no name, value or free text".into(),
        last: None,
        times: None,
    }];
    all.extend(asked(config));
    all.extend(other_machines(config));
    all.extend(sent_out(home, config));
    all
}

/// Who is told spans, and in which place that is: by the settings, or by what stands above them in this environment. One outside of the
/// places is told nothing.
fn collector(config: &Config) -> Option<(String, Option<String>)> {
    let own = config.telemetry.otlp.as_deref();
    let to = Settings::address(own, |name| std::env::var(name).ok()).or_else(|| own.map(str::to_owned))?;
    let place = config.sovereignty.of_host("spans", &to).ok()?;
    Some((host_of(&to), place.map(str::to_owned)))
}

/// What people and programs of others ask this node for.
fn asked(config: &Config) -> Vec<Leaving> {
    let mut all = Vec::new();
    if !config.api.listen.ip().is_loopback() {
        all.push(Leaving {
            what: "the API and the explorer".into(),
            students: "none",
            to: format!("whoever reaches {}", config.api.listen),
            place: None,
            when: "when asked; records of the vault with a credential or a link alone, each read listed"
                .into(),
            form: "TLS; counts below min_cell_students withheld".into(),
            last: None,
            times: None,
        });
    }
    if let Some((to, place)) = collector(config) {
        all.push(Leaving {
            what: "spans of the program's work: patterns of routes, heights, counts, durations".into(),
            students: "none",
            to,
            place,
            when: "within a second of a request, a block, a batch of a feed, a duty".into(),
            form: "OTLP over HTTP; encrypted where the address is https".into(),
            last: None,
            times: None,
        });
    }
    if let Some(lti) = &config.lti {
        all.push(Leaving {
            what: "launches from learning platforms, rosters compared, progress where a platform's table says so".into(),
            students: "named",
            to: format!("the platforms of {}", lti.platforms.display()),
            place: None,
            when: "when a student or teacher opens the link".into(),
            form: "TLS, signed; a count of mastered skills".into(),
            last: None,
            times: None,
        });
    }
    if let Some(own) = &config.oneroster {
        all.push(Leaving {
            what: "the roster and results, to vendors that the operator registered (OneRoster)".into(),
            students: "named",
            to: format!("the clients of {}", own.clients.display()),
            place: None,
            when: "when a client asks, within its scopes, each student an entry of the access log".into(),
            form: "TLS; names, grades, schools, sections, results; demographics never".into(),
            last: None,
            times: None,
        });
    }
    if let Some(identity) = &config.identity {
        all.push(Leaving {
            what: "logins of staff".into(),
            students: "none",
            to: format!("the providers of {}", identity.providers.display()),
            place: None,
            when: "when somebody logs in".into(),
            form: "that somebody logs in here; nothing of students".into(),
            last: None,
            times: None,
        });
    }
    all
}

/// What a school's replica and its district tell each other.
fn other_machines(config: &Config) -> Vec<Leaving> {
    let mut all = Vec::new();
    if let Some(own) = &config.replicas {
        all.push(Leaving {
            what: "rosters and events of students, to replicas of their schools that the operator registered"
                .into(),
            students: "named",
            to: format!("the replicas of {}", own.clients.display()),
            place: None,
            when: "when a replica levels; each student an entry of the access log".into(),
            form: "TLS; identifiers, names, grades, who teaches whom, consents, events".into(),
            last: None,
            times: None,
        });
    }
    if let Some(own) = &config.replica {
        all.push(Leaving {
            what: "what this school's replica heard, to its district".into(),
            students: "named",
            to: own.of.clone(),
            place: None,
            when: format!("every {} s while the network is there, or by `aula feed level`", own.every_s),
            form: "TLS; identifiers and events".into(),
            last: None,
            times: None,
        });
    }
    all
}

/// What goes out by itself: reports that are due, alerts.
fn sent_out(home: &Home, config: &Config) -> Vec<Leaving> {
    let mut all = Vec::new();
    for report in &config.report {
        let places = config.delivery.iter().filter(|place| report.deliver.contains(&place.name));
        all.extend(places.map(|place| delivered(home, config, report, place)));
    }
    let alerted = config.delivery.iter().filter(|place| config.alerts.deliver.contains(&place.name));
    all.extend(alerted.map(|place| {
        let (to, place, form) = receiver(config, place);
        Leaving {
            what: "alerts".into(),
            students: "none",
            to,
            place,
            when: "when something begins that somebody should know".into(),
            form: format!("{form}; of what kind, and how many, \"fewer than 10\" below that"),
            last: None,
            times: None,
        }
    }));
    all
}

/// To whom a delivery goes, in which place that is, and in which form.
fn receiver(config: &Config, delivery: &Delivery) -> (String, Option<String>, String) {
    let (to, host, form) = match &delivery.by {
        DeliveryBy::Sftp(to) => (
            format!("{}@{}", to.user, to.address),
            host_of(&to.address),
            format!("files, encrypted with age to {}", to.encrypt_to.join(", ")),
        ),
        DeliveryBy::Mail(mail) => {
            let domain = mail.to.first().and_then(|to| to.rsplit('@').next()).unwrap_or_default();
            (
                mail.to.join(", "),
                host_of(mail.server.as_deref().unwrap_or(domain)),
                "a note with a link, no figure".to_owned(),
            )
        }
        DeliveryBy::Bucket(to) => (
            format!("{} in {}", to.bucket, to.endpoint),
            host_of(&to.endpoint),
            format!("files below {}, deleted with all versions when their years are over", to.prefix),
        ),
        DeliveryBy::Webhook(hook) => {
            (hook.url.clone(), host_of(&hook.url), "a signed note with a link, no figure".to_owned())
        }
    };
    let place = config.sovereignty.of_host("it", &host).ok().flatten().map(str::to_owned);
    (to, place, form)
}

fn delivered(home: &Home, config: &Config, report: &ScheduledReport, delivery: &Delivery) -> Leaving {
    let (to, place, form) = receiver(config, delivery);
    let what = match report.kind {
        ReportKind::District => "a district's report",
        ReportKind::State => "the state's export",
        ReportKind::Transparency => "the transparency report",
    };
    let every = match report.every() {
        ReportEvery::Day => "every day",
        ReportEvery::Month => "on the first of each month",
        ReportEvery::Quarter => "on the first of each quarter",
    };
    let dates = sent(&config.reports.outbox_dir(home).join(&report.name), &delivery.name);
    Leaving {
        what: format!("{what} ({})", report.name),
        students: "none",
        to,
        place,
        when: format!("{every} at {} {}", report.at, config.reports.time_zone),
        form,
        last: dates.last().cloned(),
        times: Some(dates.len()),
    }
}

/// The dates that a place got, ascending: the marks that a delivery leaves.
fn sent(folder: &Path, place: &str) -> Vec<String> {
    let end = format!(".to-{place}");
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut dates: Vec<String> =
        names.filter_map(|name| name.strip_suffix(&end).map(str::to_owned)).collect();
    dates.sort();
    dates
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_out_is_listed_with_its_receiver_its_time_and_what_was_sent()
    -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        let text = "[[report]]\nname = 'nightly'\nkind = 'district'\ndeliver = ['board', 'state']\n[[report]]\nname = 'idle'\nkind = 'state'\n\
                    [[delivery]]\nname = 'board'\nkind = 'mail'\nfrom = 'a@x.example'\nto = ['b@x.example']\n\
                    [[delivery]]\nname = 'state'\nkind = 'sftp'\naddress = 'in.state.example:22'\nuser = 'u'\nkey = '/k'\nhost_key = 'x'\nencrypt_to = ['age1x']\n\
                    [alerts]\ndeliver = ['board']\n\
                    [identity]\nlisten = '127.0.0.1:1'\nurl = 'https://x.example'\nproviders = '/p'\n";
        let config: Config = toml::from_str(text)?;
        let marks = config.reports.outbox_dir(&home).join("nightly");
        std::fs::create_dir_all(&marks)?;
        for name in ["2026-11-28.to-state", "2026-11-27.to-state", "2026-11-28.to-board2", "2026-11-28"] {
            std::fs::write(marks.join(name), b"sent\n")?;
        }
        let all = leaving(&home, &config);
        let of = |to: &str| all.iter().find(|one| one.to.contains(to)).cloned();
        let state = of("in.state.example").ok_or("the state")?;
        assert_eq!((state.last.as_deref(), state.times), (Some("2026-11-28"), Some(2)));
        assert!(state.when.contains("every day at 03:00 UTC") && state.form.contains("age1x"), "{state:?}");
        let board: Vec<_> = all.iter().filter(|one| one.to == "b@x.example").collect();
        assert_eq!(board.iter().map(|one| one.times).collect::<Vec<_>>(), [Some(0), None]);
        assert!(board.last().is_some_and(|one| one.what == "alerts" && one.form.contains("fewer than 10")));
        assert!(of("/p").is_some() && of("every validator").is_some());
        assert_eq!(all.len(), 5, "the API on loopback and a report that goes nowhere leave nothing");
        Ok(())
    }
}
