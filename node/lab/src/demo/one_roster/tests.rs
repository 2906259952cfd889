//! What is exported is read whole by the product's import.

use super::*;
use crate::demo::star::DataFolder;
use aula_ingest::date::Date;
use aula_ingest::{Format, read};

#[test]
fn every_row_of_every_year_is_read_by_the_products_import() -> Result<(), Box<dyn std::error::Error>> {
    let genesis = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../genesis");
    let study = DataFolder::find(Some(&genesis))?.student_years()?;
    let today = Date::of_ms(1_780_000_000_000).ok_or("a day")?;
    for grade in Grade::ALL {
        let years: Vec<StudentYear> = study.iter().filter(|year| year.grade == grade).cloned().collect();
        let (format, reading) = read(export(grade, &years)?, None, None, today)?;
        assert_eq!(format, Format::OneRoster);
        let scores: usize = years
            .iter()
            .map(|year| usize::from(year.read.is_some()) + usize::from(year.math.is_some()))
            .sum();
        let schools = reading.schools.len();
        // Schools and line items are rows as well.
        assert_eq!(reading.rows.len(), years.len() + scores + schools + 2, "{grade:?}");
        assert_eq!((reading.doubtful.len(), reading.nameless), (0, 0), "{grade:?}");
    }
    Ok(())
}
