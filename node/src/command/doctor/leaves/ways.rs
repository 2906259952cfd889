//! Every way out that the settings open: to whom, in which place, when, in which form.

use aula_home::Home;
use aula_home::config::{
    Config, Delivery, DeliveryBy, FeedKind, Pair, ReportEvery, ReportKind, ScheduledReport, host_of,
};
use aula_traces::Settings;

use super::Leaving;
use super::logs::sent;

/// Every way out, as config.toml has it.
pub fn leaving(home: &Home, config: &Config) -> Vec<Leaving> {
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
    all.extend(shown(config));
    all.extend(asked(config));
    all.extend(other_machines(config));
    all.extend(questions(config));
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
    for feed in config.feed.iter().filter(|feed| feed.kind == FeedKind::Xapi) {
        let clients = feed.clients.as_deref().map(|file| file.display().to_string()).unwrap_or_default();
        all.push(Leaving {
            what: format!("statements and documents of the record store ({})", feed.name),
            students: "named",
            to: format!("the clients of {clients} with a scope that reads"),
            place: None,
            when: "when a client asks, each student an entry of the access log".into(),
            form: "TLS by the proxy in front; xAPI as it was sent".into(),
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
            place: place_of(config, &own.of),
            when: format!("every {} s while the network is there, or by `aula feed level`", own.every_s),
            form: "TLS; identifiers and events".into(),
            last: None,
            times: None,
        });
    }
    all.extend(config.pair.iter().flat_map(|pair| of_pair(config, pair)));
    all
}

/// What the other one of a pair gets, and what the lease's record says.
fn of_pair(config: &Config, pair: &Pair) -> Vec<Leaving> {
    let mut all = vec![Leaving {
        what: "the whole vault and its keystore, tokens of programs and the directory of staff, to the other one of the pair".into(),
        students: "named",
        to: pair.peer.clone(),
        place: place_of(config, &pair.peer),
        when: "each write, before it is told done".into(),
        form: "TLS, but on loopback; records sealed, and the keys that open them".into(),
        last: None,
        times: None,
    }];
    let lease = |to: String, place: Option<String>| Leaving {
        what: "the lease of the pair".into(),
        students: "none",
        to,
        place,
        when: "five times a lease".into(),
        form: "one record: who acts, in which epoch, who is level".into(),
        last: None,
        times: None,
    };
    all.extend(pair.lease.iter().map(|folder| {
        let place = config.sovereignty.of_folder("it", folder).ok().flatten().map(str::to_owned);
        lease(folder.display().to_string(), place)
    }));
    all.extend(
        pair.bucket
            .iter()
            .map(|to| lease(format!("{} in {}", to.bucket, to.endpoint), place_of(config, &to.endpoint))),
    );
    all
}

/// What this node asks of others, and so tells them.
fn questions(config: &Config) -> Vec<Leaving> {
    let asking = |what: String, to: String, place: Option<String>, when: String, form: &str| Leaving {
        what,
        students: "none",
        to,
        place,
        when,
        form: form.to_owned(),
        last: None,
        times: None,
    };
    let mut all = Vec::new();
    for feed in &config.feed {
        let Some(broker) = &feed.broker else { continue };
        let hosts = broker.split_once("://").map_or(&**broker, |(_, rest)| rest);
        let place = hosts.split(',').find_map(|host| place_of(config, host));
        let what = format!("which messages the feed {} has taken", feed.name);
        let form = "the broker's name and secret, subscriptions, offsets; the events themselves lie there";
        all.push(asking(what, hosts.to_owned(), place, "while the node runs".into(), form));
    }
    for source in &config.roster {
        let when = format!("every {} minutes, by `aula district run`", source.every_minutes);
        let form = "the credential of that file and a moment; nothing of students";
        all.push(asking(
            format!("questions for the roster ({})", source.name),
            format!("the system of {}", source.from.display()),
            None,
            when,
            form,
        ));
    }
    for origin in &config.district.models_from {
        let form = "the digest of a model, as the ledger names it";
        let when = "when this node has it not".to_owned();
        all.push(asking("questions for a fitted model".into(), origin.clone(), None, when, form));
    }
    all
}

/// What anybody may see beside the ledger.
fn shown(config: &Config) -> Vec<Leaving> {
    let to = || match config.api.listen.ip().is_loopback() {
        true => "whoever reaches this machine's own API".to_owned(),
        false => format!("whoever reaches {}", config.api.listen),
    };
    let open = |what: &str, when: &str, form: String| Leaving {
        what: what.to_owned(),
        students: "none",
        to: to(),
        place: None,
        when: when.to_owned(),
        form,
        last: None,
        times: None,
    };
    let mut all = Vec::new();
    if let Some(folder) = &config.estate.folder {
        let form = format!("pages made of {}", folder.display());
        all.push(open("buildings, rooms, timetables and their energy", "when asked", form));
    }
    if config.reports.hours {
        let form = "counts rounded down, none below the ledger's least".to_owned();
        all.push(open(
            "how many students of each school used a resource in an hour",
            "once, when the hour is over",
            form,
        ));
    }
    all
}

/// The place of a host; none without a rule, and of a host outside, which the settings would have refused.
fn place_of(config: &Config, host: &str) -> Option<String> {
    config.sovereignty.of_host("it", host).ok().flatten().map(str::to_owned)
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
            to.address.as_str(),
            format!("files, encrypted with age to {}", to.encrypt_to.join(", ")),
        ),
        DeliveryBy::Mail(mail) => {
            let domain = mail.to.first().and_then(|to| to.rsplit('@').next()).unwrap_or_default();
            (
                mail.to.join(", "),
                mail.server.as_deref().unwrap_or(domain),
                match &mail.server {
                    Some(server) => format!("a note with a link, no figure; by {server}"),
                    None => "a note with a link, no figure; a file of the outbox".to_owned(),
                },
            )
        }
        DeliveryBy::Bucket(to) => (
            format!("{} in {}", to.bucket, to.endpoint),
            to.endpoint.as_str(),
            format!("files below {}, deleted with all versions when their years are over", to.prefix),
        ),
        DeliveryBy::Webhook(hook) => {
            (hook.url.clone(), hook.url.as_str(), "a signed note with a link, no figure".to_owned())
        }
    };
    (to, place_of(config, host), form)
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

#[cfg(test)]
mod tests {
    use aula_home::config::Named;

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

    #[test]
    fn every_machine_that_the_settings_name_is_in_the_list() -> Result<(), Box<dyn std::error::Error>> {
        let home = Home::at("/nowhere/home".into());
        let text = "[telemetry]\notlp = 'https://spans.example:4318'\n[estate]\nfolder = '/e'\n[reports]\nhours = true\n\
            [district]\nmodels_from = ['https://member.example']\n[[roster]]\nname = 'sis'\nfrom = '/sis.toml'\n\
            [[feed]]\nname = 'register'\nkind = 'kafka'\nbroker = 'kafkas://one.example:9093,two.example:9093'\ntopics = { r = 'events' }\n\
            [replica]\nof = 'https://above.example'\nsecret = 's.toml'\n\
            [pair]\nname = 'east'\nlisten = '127.0.0.1:8499'\npeer = 'west.example:8500'\nsecret = 's.toml'\nlease = '/shared'\n\
            [[report]]\nname = 'n'\nkind = 'district'\ndeliver = ['a', 'b', 'c', 'd']\n\
            [[delivery]]\nname = 'a'\nkind = 'sftp'\naddress = 'in.example:22'\nuser = 'u'\nkey = '/k'\nhost_key = 'x'\nencrypt_to = ['age1']\n\
            [[delivery]]\nname = 'b'\nkind = 'mail'\nfrom = 'a@x.example'\nto = ['b@board.example']\nserver = 'mx.example'\n\
            [[delivery]]\nname = 'c'\nkind = 'webhook'\nurl = 'https://hook.example/x'\nsecret_file = '/s'\n\
            [[delivery]]\nname = 'd'\nkind = 'bucket'\nendpoint = 'https://s3.example'\nbucket = 'r'\nkey_id = 'k'\nsecret_file = '/s'\n";
        let config: Config = toml::from_str(text)?;
        let all = leaving(&home, &config);
        let says = |what: &str| all.iter().any(|one| one.to.contains(what) || one.form.contains(what));
        let mut machines = 0;
        for named in config.named(&home) {
            if let Named::Host(what, host) = named {
                machines += 1;
                // An environment may name another collector.
                assert!(says(&host_of(&host)) || what.starts_with("[telemetry]"), "{what}, {host}: {all:#?}");
            }
        }
        assert_eq!(machines, 10);
        assert!(says("member.example") && says("/sis.toml") && says("/shared") && says("pages made of /e"));
        let whole = all.iter().find(|one| one.to == "west.example:8500").ok_or("the pair")?;
        assert_eq!(whole.students, "named");
        Ok(())
    }
}
