use super::*;
use crate::check::estate::read_estate;
use crate::check::find;
use crate::check::table::read_csv;
use crate::forecast::{forecast, read_history};

const ESTATE: &str = r#"{"sites":[{"id":"m","name":"Main <street>"}],"buildings":[{"id":"A","site":"m"}],"rooms":[
 {"id":"A1","building":"A","capacity":30,"place":{"floor":0,"x":0,"y":0,"width":9,"depth":7}},
 {"id":"A2","building":"A","capacity":20,"features":["lab"],"place":{"floor":1,"x":9,"y":0,"width":9,"depth":7}},
 {"id":"gym","capacity":60}]}"#;
const TODAY: &str =
    "day,period,room,lesson,teacher,length\nmon,0,A1,maths & more,t,2\nmon,1,A2,art,t,1\ntue,0,A2,art,u,1\n";
const PLAN: &str =
    "day,period,room,lesson,teacher,length\nmon,0,A1,maths & more,t,2\nmon,2,A1,art,t,1\ntue,0,A1,art,u,1\n";

#[test]
fn everything_that_is_given_is_shown_and_nothing_is_loaded() {
    let estate = read_estate(ESTATE.as_bytes()).unwrap();
    let (today, plan) = (read_csv(TODAY.as_bytes()).unwrap(), read_csv(PLAN.as_bytes()).unwrap());
    let hours: String = (0..336).map(|hour| format!("{hour},{},{}\n", 1000 + hour % 24, 900)).collect();
    let load = read_curves(format!("hour,now_w,then1_w\n{hours}").as_bytes()).unwrap();
    let history =
        read_history(b"year,grade,value\n2019,1,20\n2020,1,22\n2021,1,21\n2019,2,18\n2020,2,19\n2021,2,22\n")
            .unwrap();
    let forecasts = forecast(&history, 2);
    let conflicts = find(&today, Some(&estate));
    let content = Content {
        title: "School <1>",
        estate: Some(&estate),
        today: Some(&today),
        plan: Some(&plan),
        load: Some(&load),
        ahead: Some((&history, &forecasts)),
        conflicts: &conflicts,
    };
    let html = page(&content);
    for part in ["alerts", "campus", "use", "week", "load", "ahead"] {
        assert!(html.contains(&format!("<section id=\"{part}\">")), "{part}");
    }
    assert!(
        html.contains("School &lt;1&gt;")
            && html.contains("Main &lt;street&gt;: A, floor 1")
            && html.contains("maths &amp; more")
    );
    assert!(html.contains("today: 3 room-days opened, 44% of their periods used"), "{html}");
    assert!(html.contains("plan: 2 room-days opened, 67% of their periods used"), "{html}");
    assert!(html.contains("used 33% of the week's periods, by the plan 67%"), "{html}");
    assert!(html.contains("<b>teacher</b>"), "t is in two lessons at once: {conflicts:?}");
    assert!(html.contains("Rooms without a place on a plan: gym"));
    for foreign in ["http://", "https://", "<script", "<img", "<link", "@import", "url("] {
        assert!(!html.contains(foreign), "{foreign}");
    }
    // Each drawing by itself is XML.
    for svg in html.split("<svg").skip(1) {
        let whole = format!("<svg{}</svg>", svg.split("</svg>").next().unwrap());
        assert!(crate::xml::read(whole.as_bytes()).is_ok(), "{whole}");
    }
    assert_eq!(page(&content), html);
}

#[test]
fn a_school_week_fits_a_phone_whatever_rooms_are_called() {
    let rows: String = ["mon", "tue", "wed", "thu", "fri"]
        .map(|day| format!("{day},0,Main building A-101,x\n{day},0,gymnasium,y\n"))
        .concat();
    let today = read_csv(format!("day,period,room,lesson\n{rows}").as_bytes()).unwrap();
    let html = page(&Content { title: "t", today: Some(&today), ..Content::default() });
    let maps = html.split("<section id=\"use\">").nth(1).unwrap();
    let width: usize = maps.split(" width=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
    assert!(width <= 390 - 68, "{width}");
}

#[test]
fn floors_of_a_house_have_one_scale() {
    let place = |floor: u32, x: u32, width: u32| {
        format!("{{\"floor\":{floor},\"x\":{x},\"y\":0,\"width\":{width},\"depth\":7}}")
    };
    let room = |id: &str, place: String| {
        format!("{{\"id\":\"{id}\",\"building\":\"A\",\"capacity\":30,\"place\":{place}}}")
    };
    let rooms =
        [room("A1", place(0, 0, 9)), room("A2", place(0, 9, 20)), room("A3", place(1, 9, 9))].join(",");
    let text = format!(
        "{{\"sites\":[{{\"id\":\"m\"}}],\"buildings\":[{{\"id\":\"A\",\"site\":\"m\"}}],\"rooms\":[{rooms}]}}"
    );
    let estate = read_estate(text.as_bytes()).unwrap();
    let html = page(&Content { title: "t", estate: Some(&estate), ..Content::default() });
    let rect = |id: &str| html.split(&format!("<title>{id}, 30 seats</title><rect ")).nth(1).unwrap();
    let of = |id: &str, name: &str| {
        rect(id).split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    assert_eq!((of("A3", "width"), of("A3", "height")), (of("A1", "width"), of("A1", "height")));
}

#[test]
fn what_is_not_given_is_not_there() {
    let html = page(&Content { title: "empty", ..Content::default() });
    assert!(!html.contains("<section"));
    let today = read_csv(b"day,period,lesson\nmon,1,x\n").unwrap();
    let html = page(&Content { title: "t", today: Some(&today), ..Content::default() });
    assert!(html.contains("No conflict") && html.contains("No lesson of the schedule has a room"));
}

#[test]
fn a_week_of_dates_and_times_is_the_first_one() {
    let rows = "date,start,end,room,name\n2026-01-05,08:00,09:30,R,a\n2026-01-05,09:00,10:00,S,b\n2026-01-13,08:00,09:00,R,a\n";
    let grid = Grid::of(&[&read_csv(rows.as_bytes()).unwrap()]).remove(0);
    assert_eq!((grid.days.len(), grid.periods.len(), grid.more), (1, 2, true));
    assert_eq!(grid.rooms["R"].len(), 2, "an hour and a half covers the start at nine");
}

#[test]
fn numbers_are_grouped_and_axes_round() {
    assert_eq!(
        (plain(1_234_567.0), plain(-12.0), plain(999.4)),
        ("1\u{202f}234\u{202f}567".into(), "−12".into(), "999".into())
    );
    assert_eq!([round_up(3.2), round_up(0.04), round_up(0.0), round_up(5.0)], [4.0, 0.04, 1.0, 5.0]);
    assert_eq!([shade(0.0), shade(0.01), shade(1.0)], ["#f2f2ee", "#d8e6ea", "#1c5a7a"]);
}

#[test]
fn a_load_that_is_none_is_refused() {
    let refused = |text: &str| read_curves(text.as_bytes()).unwrap_err().to_string();
    assert!(refused("hour,load\n0,1\n").contains("end in _w"));
    assert_eq!(refused("hour,now_w\n0,x\n"), "row 1: a load is a number of W");
}
