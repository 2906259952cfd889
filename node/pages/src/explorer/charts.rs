//! Charts as SVG, drawn on the server: they need no script and print.

use maud::{Markup, html};

use aula_read::equity::Point;

/// Side of the plot, in SVG units.
const SIDE: u64 = 300;
/// Room for the axes' words.
const MARGIN: u64 = 40;

fn path(points: &[Point]) -> String {
    let at = |p: &Point| {
        let x = MARGIN + p.schools_ppm * SIDE / 1_000_000;
        let y = MARGIN / 4 + SIDE - p.share_ppm * SIDE / 1_000_000;
        format!("{x},{y}")
    };
    points.iter().map(at).collect::<Vec<_>>().join(" ")
}

/// The Lorenz curve, and that of the round before when there is one.
pub(super) fn lorenz(now: &[Point], before: &[Point]) -> Markup {
    let (low, top, right) = (MARGIN / 4 + SIDE, MARGIN / 4, MARGIN + SIDE);
    let size = SIDE + MARGIN + MARGIN / 4;
    html! {
        svg .chart role="img" aria-label="Lorenz curve; the table beside it says the same in numbers" viewBox={ "0 0 " (size) " " (size) } {
            rect .frame x=(MARGIN) y=(top) width=(SIDE) height=(SIDE) {}
            line .equal x1=(MARGIN) y1=(low) x2=(right) y2=(top) {}
            @if !before.is_empty() { polyline .before points=(path(before)) {} }
            polyline .now points=(path(now)) {}
            text x=(MARGIN) y=(low + 16) { "0" }
            text x=(right) y=(low + 16) text-anchor="end" { "all schools" }
            text x=(MARGIN - 4) y=(low) text-anchor="end" { "0" }
            text x=(MARGIN - 4) y=(top + 12) text-anchor="end" { "all" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_runs_from_corner_to_corner() {
        let ends =
            [Point { schools_ppm: 0, share_ppm: 0 }, Point { schools_ppm: 1_000_000, share_ppm: 1_000_000 }];
        assert_eq!(path(&ends), "40,310 340,10");
        assert!(!lorenz(&ends, &[]).into_string().contains("before"));
    }
}
