//! A skill graph from a folder.
//!
//! Either `standards.csv` (id) with `prerequisites.csv` (`from_id` is the prerequisite of `to_id`), or one table
//! with the columns name and prerequisites (joined by commas), as public exercise maps have. What the table says
//! is checked by [`SkillGraph::new`]: a cycle is named, a name that stands twice too.

use std::path::{Path, PathBuf};

use aula_twin_runtime::skill_graph::{GraphError, SkillGraph};
use thiserror::Error;

use super::table::{Table, TableError};

/// Why a folder holds no usable graph.
#[derive(Debug, Error)]
pub enum GraphFileError {
    /// A file cannot be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Neither form of graph is in the folder.
    #[error("{0} holds no skill graph")]
    None(PathBuf),
    /// The graph itself is wrong.
    #[error("{path} is refused")]
    Refused {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        source: GraphError,
    },
}

/// Reads the graph of a folder.
///
/// # Errors
/// Any [`GraphFileError`].
pub fn read(dir: &Path) -> Result<SkillGraph, GraphFileError> {
    let standards = dir.join("standards.csv");
    let (names, edges) = if standards.exists() {
        let names = Table::read(&standards, &["id"])?.rows().map(first).collect();
        (names, edges(&dir.join("prerequisites.csv"))?)
    } else {
        let entries =
            std::fs::read_dir(dir).map_err(|source| TableError::Open { path: dir.to_owned(), source })?;
        let mut tables: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
        tables.retain(|p| p.extension().is_some_and(|e| e == "csv"));
        tables.sort();
        let table = tables.first().ok_or_else(|| GraphFileError::None(dir.to_owned()))?;
        from_table(&Table::read(table, &["name", "prerequisites"])?)
    };
    SkillGraph::new(names, &edges).map_err(|source| GraphFileError::Refused { path: dir.to_owned(), source })
}

/// A graph without any edge is a graph: a table without rows is not a mistake here.
fn edges(path: &Path) -> Result<Vec<(String, String)>, TableError> {
    match Table::read(path, &["from_id", "to_id"]) {
        Ok(table) => Ok(two_columns(&table)),
        Err(TableError::Empty(_)) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn first(row: &[String]) -> String {
    row.first().cloned().unwrap_or_default()
}

fn two_columns(table: &Table) -> Vec<(String, String)> {
    let pair = |row: &[String]| (first(row), row.get(1).cloned().unwrap_or_default());
    table.rows().map(pair).collect()
}

/// Rows of (name, prerequisites joined by commas).
fn from_table(table: &Table) -> (Vec<String>, Vec<(String, String)>) {
    let mut edges = Vec::new();
    for (name, joined) in two_columns(table) {
        for before in joined.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            edges.push((before.to_owned(), name.clone()));
        }
    }
    (table.rows().map(first).collect(), edges)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        dir
    }

    fn chain(error: &dyn std::error::Error) -> String {
        let source = error.source().map(|s| format!(": {s}")).unwrap_or_default();
        format!("{error}{source}")
    }

    #[test]
    fn a_cycle_in_a_table_is_refused_and_named() {
        let table = "name,live,prerequisites\na,TRUE,c\nb,TRUE,a\nc,TRUE,\"b,d\"\nd,TRUE,\n";
        let error = read(folder(&[("table.csv", table)]).path()).unwrap_err();
        assert!(chain(&error).contains("a -> b -> c -> a"), "{error}");
    }

    #[test]
    fn missing_columns_files_and_names_are_said() {
        let ids = ("standards.csv", "id\n1\n2\n");
        let wrong = read(folder(&[ids, ("prerequisites.csv", "from,to_id\n1,2\n")]).path()).unwrap_err();
        assert!(wrong.to_string().ends_with("has no column \"from_id\"; it has from, to_id"), "{wrong}");
        let unknown = read(folder(&[ids, ("prerequisites.csv", "from_id,to_id\n1,3\n")]).path()).unwrap_err();
        assert!(chain(&unknown).contains("skills that are not there: 3"), "{unknown}");
        assert!(matches!(read(folder(&[]).path()), Err(GraphFileError::None(_))));
        let empty = read(folder(&[("standards.csv", "id\n")]).path()).unwrap_err();
        assert!(empty.to_string().ends_with("holds no rows"), "{empty}");
        let good = read(folder(&[ids, ("prerequisites.csv", "from_id,to_id\n1,2\n")]).path()).unwrap();
        assert_eq!(good.prerequisites(1), [0]);
    }

    /// The public exercise map with its real cycle, where it stands beside the project.
    #[test]
    fn the_public_map_with_a_cycle_is_refused() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let Some(dir) = here.ancestors().map(|up| up.join("shared/data/junyi_graph")).find(|d| d.exists())
        else {
            eprintln!("skipped: data/junyi_graph is not beside the project");
            return;
        };
        let error = read(&dir).unwrap_err();
        for part in [
            "radical_multiplication_and_division -> simplifying_radicals",
            "skills named twice: matrix_mul_two, matrix_app_fruit_oil",
        ] {
            assert!(chain(&error).contains(part), "{}", chain(&error));
        }
    }
}
