//! A fitted model goes from who made it to who folds with it: by digest, over nodes that nobody has to believe.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use aula_tests::founders::{Founded, command};
use aula_tests::{alone, aula, line};

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is not text")
}

/// A log of answers that a model can be fitted on, with another ability of every student.
fn fitted(folder: &Path, name: &str, turn: u32) -> Result<(String, String)> {
    let mut rows = "student,seq,item,skills,correct\n".to_owned();
    for student in 0..40u32 {
        for seq in 0..12u32 {
            let right = u32::from((student * 7 + seq * turn) % 11 > 4);
            rows.push_str(&format!("s{student},{seq},i{},k{},{right}\n", seq % 6, seq % 3));
        }
    }
    let (log, model) = (folder.join(format!("{name}.csv")), folder.join(format!("{name}.twin")));
    std::fs::write(&log, rows)?;
    let words = ["twin", "fit", "--train", text(&log)?, "--model", text(&model)?, "--output", "json"];
    let told = line(&aula(&words)?, 0)?;
    Ok((text(&model)?.to_owned(), told["digest"].as_str().context("no digest")?.to_owned()))
}

/// A server that answers every request with these bytes, as a node would answer for a model.
fn liar(bytes: Vec<u8>) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let origin = format!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", bytes.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&bytes));
        }
    });
    Ok(origin)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voted_model_is_fetched_by_its_digest_from_any_node_and_a_lying_one_is_not_believed() -> Result<()>
{
    let _turn = alone().await;
    let folder = tempfile::tempdir()?;
    let (model, digest) = fitted(folder.path(), "voted", 3)?;
    let (other, other_digest) = fitted(folder.path(), "other", 5)?;
    ensure!(digest != other_digest, "two models");
    let base = format!(
        r#"{{"twin":{{"model":"{digest}","scales":[{{"skill":0,"grade":2,"mean_e1":5839,"deviation_e1":460}}]}}}}"#
    );
    let founded = Founded::start(folder.path(), 2, Some(&base))?;
    let [maker, district] = founded.nodes.as_slice() else { anyhow::bail!("two nodes") };
    let number = maker.proposes_river_county("founder-2")?;
    for node in [maker, district] {
        node.run(0, &["consortium", "vote", &number, "yes"])?;
    }
    district.run(0, &["district", "school", "add", "--school", "61", "--name", "Ford", "--type", "rural"])?;
    let home = district.home.clone();
    command(&home, &["vault", "init"])?;
    let roster = folder.path().join("roster.csv");
    std::fs::write(&roster, "local_id,school,grade\nS-1,61,2\nS-2,61,2\n")?;
    let year = district.run(0, &["district", "import", text(&roster)?])?["school_year"].to_string();
    // What is known of them is folded; of a student of whom nothing is, there is no state.
    let (results, mapping) = (folder.path().join("results.csv"), folder.path().join("results.toml"));
    let rules = "format = \"assessment\"\n[student]\nid = \"id\"\n[[result]]\ninstrument = \"=test\"\nmeasure = \"=reading\"\n\
                 date = \"day\"\nschool_year = \"=YEAR\"\ngrade = \"=2\"\nscores.scaled = \"score\"\n";
    std::fs::write(&mapping, rules.replace("YEAR", &year))?;
    let config = std::fs::read_to_string(home.join("config.toml"))?;
    std::fs::write(
        home.join("config.toml"),
        config + "\n[[district.subject]]\nword = \"reading\"\nskill = 0\n",
    )?;
    let told = |day: &str| -> Result<()> {
        std::fs::write(&results, format!("id,day,score\nS-1,{day},590\nS-2,{day},540\n"))?;
        let told = district.run(0, &["district", "import", text(&results)?, "--map", text(&mapping)?])?;
        ensure!(told["events"] == 2, "{told}");
        Ok(())
    };
    told("2026-10-01")?;

    // One sends another model's bytes, one no model, one more than any model has: endless for who would read on.
    let wrong = command(&home, &["twin", "publish", &other])?;
    let wrong = std::fs::read(wrong["model"].as_str().context("no path")?)?;
    let liars =
        [liar(wrong.clone())?, liar(b"<html>welcome</html>".to_vec())?, liar(vec![1; (64 << 20) + 1])?];
    let settings = |origins: &[&str]| -> Result<()> {
        let path = home.join("config.toml");
        let before = std::fs::read_to_string(&path)?;
        let before = before.split("\n[district]\nmodels_from").next().unwrap_or_default().to_owned();
        let before = before.replace("\n[district]\n", "\n");
        Ok(std::fs::write(path, format!("{before}\n[district]\nmodels_from = {origins:?}\n"))?)
    };
    settings(&[&liars[0], &liars[1], &liars[2], &maker.rpc])?;
    let failed = district.run(1, &["district", "run", "--once"])?;
    let failed = failed.to_string();
    for said in [
        format!("{} does not have it", district.rpc),
        format!("{} sent the model {other_digest}", liars[0]),
        format!("{} sent something else than a model", liars[1]),
        format!("{} answered more than", liars[2]),
        format!("{} does not have it", maker.rpc),
    ] {
        ensure!(failed.contains(&said), "{said:?} is not in {failed}");
    }
    let kept = home.join("models").join(format!("{digest}.model"));
    ensure!(!kept.exists(), "nothing of a liar is kept");

    // Its maker publishes it: the service fetches it, folds with it, and this node serves it from now on.
    maker.run(0, &["twin", "publish", &model])?;
    let route = format!("/v1/models/{digest}");
    ensure!(reqwest::get(format!("{}{route}", district.rpc)).await?.status() == 404);
    let done = district.run(0, &["district", "run", "--once"])?.to_string();
    ensure!(done.contains("2 states anchored"), "{done}");
    let served = reqwest::get(format!("{}{route}", district.rpc)).await?;
    ensure!(served.status() == 200);
    ensure!(served.bytes().await?.as_ref() == std::fs::read(&kept)?.as_slice());

    // A model that no version names is served by nobody, and a file that was changed neither served nor used.
    let unnamed = reqwest::get(format!("{}/v1/models/{other_digest}", district.rpc)).await?;
    ensure!(unnamed.status() == 404);
    std::fs::write(&kept, &wrong)?;
    settings(&[])?;
    told("2026-10-02")?;
    let failed = district.run(1, &["district", "run", "--once"])?.to_string();
    ensure!(failed.contains(&format!("holds the model {other_digest}")), "{failed}");
    Ok(())
}
