//! Figures, drawn as SVG. Each is told in words too, and none needs colour.

use super::super::{CaseReport, Cut, Figure, Report, Series};
use maud::{Markup, html};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 220.0;
/// Room for the numbers beside a scatter.
const MARGIN: f64 = 70.0;
/// Side of a bit's cell, and cells in a row.
const CELL: f64 = 16.0;
const CELLS: usize = 32;
/// Side of a cut's mark, and marks in a row.
const MARK: f64 = 10.0;
const MARKS: usize = 60;
/// Standard deviations of a fair bit beyond which its cell is outlined.
const FAR: f64 = 4.0;

/// All figures of the run.
pub(super) fn all(report: &Report) -> Markup {
    let with: Vec<&CaseReport> = (report.cases.iter())
        .filter(|case| !case.figures.is_empty())
        .collect();
    html! {
        @if !with.is_empty() {
            section {
                h2 { "Figures" }
                @for case in with {
                    @for figure in &case.figures {
                        figure {
                            (one(figure))
                            figcaption { a href={ "#" (case.id) } { (case.id) } ": " (words(figure)) }
                        }
                    }
                }
            }
        }
    }
}

/// One figure, without its caption.
pub(super) fn one(figure: &Figure) -> Markup {
    match figure {
        Figure::Scatter {
            measured,
            at,
            series,
            ..
        } => {
            let at = at.as_deref().unwrap_or("order of measuring");
            scatter(
                &words(figure),
                &format!("{measured}, against the {at}"),
                series,
            )
        }
        Figure::Bits { samples, ones, .. } => bits(&words(figure), *samples, ones),
        Figure::Cuts { cuts, .. } => tears(&words(figure), &read(cuts)),
    }
}

/// What a figure shows.
fn words(figure: &Figure) -> String {
    match figure {
        Figure::Scatter {
            title,
            measured,
            series,
            ..
        } => {
            let medians: Vec<String> = (series.iter())
                .map(|series| {
                    let (count, median) = (series.values.len(), quantile(series, 0.5));
                    format!("{} ({count}): median {median:.1}", series.name)
                })
                .collect();
            format!("{title}; {measured}. {}.", medians.join("; "))
        }
        Figure::Bits {
            title,
            samples,
            ones,
        } => {
            let far = ones.iter().filter(|ones| is_far(**ones, *samples)).count();
            format!(
                "{title}: the share of ones at each of {} bits of {samples} samples, from white \
                 (none) to black (all); the highest bit is at the top left. {far} bits are further \
                 than {FAR} standard deviations from half, and are outlined.",
                ones.len()
            )
        }
        Figure::Cuts { title, cuts } => {
            let cuts = read(cuts);
            let broken = cuts.iter().filter(|cut| !cut.held).count();
            let again = cuts.iter().filter(|cut| cut.again).count();
            let last = cuts.last().map_or(0, |cut| cut.after);
            format!(
                "{title}: {} power cuts, the last after {last} bytes written or erased; ○ the card \
                 was as it must be, ⊙ also after a second cut while it started ({again}), × it \
                 wasn't ({broken}).",
                cuts.len()
            )
        }
    }
}

fn read(cuts: &str) -> Vec<Cut> {
    cuts.split(' ').filter_map(|cut| cut.parse().ok()).collect()
}

/// The points of a kind: what each was measured at, and what it gave.
fn points(series: &Series) -> impl Iterator<Item = (f64, f64)> {
    let at = |number: usize| series.at.get(number).copied().unwrap_or(number as f64);
    (series.values.iter().enumerate()).map(move |(number, value)| (at(number), *value))
}

/// The value below which this share of the measurements is.
fn quantile(series: &Series, share: f64) -> f64 {
    let mut all = series.values.clone();
    all.sort_by(f64::total_cmp);
    let at = (all.len() as f64 * share) as usize;
    all.get(at.min(all.len().saturating_sub(1)))
        .copied()
        .unwrap_or(0.0)
}

fn scatter(words: &str, measured: &str, series: &[Series]) -> Markup {
    let last = (series.iter().flat_map(points)).fold(1.0, |most: f64, (x, _)| most.max(x));
    // What is far above all else would flatten the rest.
    let top = series
        .iter()
        .map(|series| quantile(series, 0.99))
        .fold(0.0, f64::max);
    let low = series
        .iter()
        .map(|series| quantile(series, 0.0))
        .fold(f64::INFINITY, f64::min);
    let range = (top - low).max(f64::MIN_POSITIVE);
    let place = |(x, y): (f64, f64)| {
        let across = MARGIN + x / last * (WIDTH - MARGIN - 8.0);
        let up = ((y - low) / range).min(1.0);
        (round(across), round(HEIGHT - 24.0 - up * (HEIGHT - 40.0)))
    };
    html! {
        svg class="figure" role="img" aria-label=(words) viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } {
            line class="axis" x1=(MARGIN - 6.0) y1="10" x2=(MARGIN - 6.0) y2=(HEIGHT - 20.0) {}
            text class="label" x=(MARGIN - 10.0) y="16" text-anchor="end" { (format!("{top:.1}")) }
            text class="label" x=(MARGIN - 10.0) y=(HEIGHT - 22.0) text-anchor="end" { (format!("{low:.1}")) }
            text class="label" x=(MARGIN) y=(HEIGHT - 4.0) {
                (measured) ": "
                @for (number, series) in series.iter().enumerate() {
                    (["○ ", "  × ", "  + "][number.min(2)]) (series.name)
                }
            }
            @for (number, series) in series.iter().enumerate() {
                @for (x, y) in points(series).map(place) {
                    @match number {
                        0 => circle class="mark" cx=(x) cy=(y) r="2.5" {},
                        1 => path class="mark" d={ "M" (x - 2.5) " " (y - 2.5) "l5 5m0 -5l-5 5" } {},
                        _ => path class="mark" d={ "M" (x - 2.5) " " (y) "h5m-2.5 -2.5v5" } {},
                    }
                }
            }
        }
    }
}

/// Tenths are as fine as a screen.
fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// Whether a fair bit would hardly ever be 1 so often.
fn is_far(ones: u32, samples: u32) -> bool {
    let samples = f64::from(samples);
    (f64::from(ones) - samples / 2.0).abs() > FAR * samples.sqrt() / 2.0
}

fn bits(words: &str, samples: u32, ones: &[u32]) -> Markup {
    let rows = ones.len().div_ceil(CELLS).max(1);
    let grey = |ones: u32| 255 - 255 * u64::from(ones) / u64::from(samples.max(1));
    html! {
        svg class="figure" role="img" aria-label=(words)
            viewBox={ "0 0 " (CELL * CELLS as f64) " " (CELL * rows as f64) } {
            @for (bit, ones) in ones.iter().enumerate() {
                @let shade = grey(*ones);
                @let is_far = is_far(*ones, samples);
                rect x=(CELL * (bit % CELLS) as f64 + 1.0) y=(CELL * (bit / CELLS) as f64 + 1.0)
                    width=(CELL - 2.0) height=(CELL - 2.0) fill={ "rgb(" (shade) "," (shade) "," (shade) ")" }
                    class=(if is_far { "cell far" } else { "cell" }) {}
            }
        }
    }
}

fn tears(words: &str, cuts: &[Cut]) -> Markup {
    let rows = cuts.len().div_ceil(MARKS).max(1);
    html! {
        svg class="figure" role="img" aria-label=(words)
            viewBox={ "0 0 " (MARK * MARKS as f64) " " (MARK * rows as f64) } {
            @for (number, cut) in cuts.iter().enumerate() {
                @let x = MARK * (number % MARKS) as f64 + MARK / 2.0;
                @let y = MARK * (number / MARKS) as f64 + MARK / 2.0;
                @if cut.held {
                    circle class="mark" cx=(x) cy=(y) r="3.5" {}
                    @if cut.again { circle class="dot" cx=(x) cy=(y) r="1.2" {} }
                } @else {
                    path class="mark broken" d={ "M" (x - 3.5) " " (y - 3.5) "l7 7m0 -7l-7 7" } {}
                }
            }
        }
    }
}
