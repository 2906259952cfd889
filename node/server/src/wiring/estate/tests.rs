//! What a folder becomes: the files by their names, and a page that says who is in two places without saying who.

use aula_kit::Tested;

use super::*;

#[test]
fn a_folder_becomes_a_page_without_the_names_of_people() -> Tested {
    let folder = tempfile::tempdir()?;
    let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text);
    assert!(state(folder.path()).is_empty());
    put("plan.csv", "day,period,lesson,room\nmon,1,Maths,A1\n")?;
    assert!(state(folder.path()).is_empty(), "a plan beside nothing is not shown");
    put(
        "estate.json",
        r#"{"sites":[{"id":"main"}],"buildings":[{"id":"A","site":"main"}],
        "rooms":[{"id":"A1","building":"A","capacity":30,"place":{"floor":0,"x":0,"y":0,"width":9,"depth":7}}]}"#,
    )?;
    put(
        "schedule.csv",
        "day,period,lesson,room,teacher,group\nmon,1,Maths,A1,Mallory,class-7b\nmon,1,Music,A2,Mallory,class-8c\n",
    )?;
    let found = sources(folder.path());
    assert!(found.schedule.is_some() && found.plan.is_some() && found.history.is_none());
    let before = state(folder.path());
    let made = found
        .page(Look { title: "Our school", periods: 1, names: false })
        .map_err(|failure| failure.message)?;
    assert!(made.html.contains("in two lessons at once") && made.html.contains("id=\"campus\""));
    assert!(!made.html.contains("Mallory") && !made.html.contains("class-7b"), "{}", made.html);
    let told = found
        .page(Look { title: "Our school", periods: 1, names: true })
        .map_err(|failure| failure.message)?;
    assert!(told.html.contains("Mallory") && told.conflicts == made.conflicts);
    put("history.csv", "year,enrolment\n2021,100\n2022,104\n2023,110\n2024,111\n")?;
    assert_ne!(state(folder.path()), before);
    put("schedule.csv", "day,period\n\"")?;
    assert!(sources(folder.path()).page(Look { title: "x", periods: 1, names: false }).is_err());
    Ok(())
}
