//! SVG without a library: bars beside each other, and lines over a logarithmic axis, are a few shapes each.

use crate::figures::{Figures, median};
use crate::section::thousands;
use std::fmt::Write as _;

const WIDTH: f64 = 760.0;

/// Left of it stand names, right of it a value fits.
const LEFT: f64 = 170.0;
const RIGHT: f64 = 640.0;

const TOP: f64 = 54.0;
const ROW: f64 = 26.0;
const PLOT_HEIGHT: f64 = 260.0;

/// Places of an axis that are nearer to each other share the name of the last.
const LABEL_WIDTH: f64 = 48.0;

/// Told apart in print and by most people with a colour blindness (Okabe, Ito 2008).
const COLOURS: [&str; 5] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"];

/// The sides of a group, each with its median and, as a thin line, its lowest to its highest round.
pub(crate) fn bars(figures: &Figures, group: &str) -> String {
    let sides = figures.sides(group);
    let rates = |side| figures.of(group, side).map(|figure| figure.rate);
    let most = figures.figures.iter().filter(|figure| figure.group == group);
    let most = most.map(|figure| figure.rate).fold(f64::MIN_POSITIVE, f64::max);
    let x = |rate: f64| LEFT + (RIGHT - LEFT) * rate / most;
    let height = TOP + ROW * sides.len() as f64 + 40.0;
    let mut svg = open(&format!("{group}: answers a second"), &figures.run.host, height);
    for (at, side) in sides.iter().enumerate() {
        let y = TOP + ROW * at as f64;
        let Some(rate) = median(rates(side)) else { continue };
        let lowest = rates(side).fold(f64::INFINITY, f64::min);
        let highest = rates(side).fold(0.0, f64::max);
        text(&mut svg, LEFT - 8.0, y + 15.0, "end", side);
        shape(
            &mut svg,
            format_args!(
                "rect x=\"{LEFT}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\"",
                x(rate) - LEFT,
                ROW - 6.0,
                COLOURS[0]
            ),
        );
        let middle = y + (ROW - 6.0) / 2.0;
        shape(
            &mut svg,
            format_args!(
                "line x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{middle:.1}\" y2=\"{middle:.1}\" stroke=\"#222\"",
                x(lowest),
                x(highest)
            ),
        );
        text(&mut svg, x(highest) + 6.0, y + 15.0, "start", &thousands(rate));
    }
    text(&mut svg, 16.0, height - 14.0, "start", &foot(figures));
    svg + "</svg>\n"
}

/// The lines of an axis through the medians of its places.
pub(crate) fn lines(figures: &Figures, axis: &str) -> String {
    let places = figures.places(axis);
    let sides = figures.sides(axis);
    let rate = |side, place| {
        median(figures.of(axis, side).filter(|figure| figure.at == Some(place)).map(|figure| figure.rate))
    };
    let all = sides.iter().flat_map(|side| places.iter().filter_map(|place| rate(side, *place)));
    let most = all.fold(f64::MIN_POSITIVE, f64::max);
    let (first, last) = (places.first().copied().unwrap_or(1), places.last().copied().unwrap_or(1));
    // Equal factors are equally far apart; a single place stands at the left.
    let span = (last as f64 / first as f64).ln().max(f64::MIN_POSITIVE);
    let x = |place: u64| LEFT + (RIGHT - LEFT) * (place as f64 / first as f64).ln() / span;
    let y = |rate: f64| TOP + PLOT_HEIGHT * (1.0 - rate / most);
    let height = TOP + PLOT_HEIGHT + 74.0;
    let mut svg = open(&format!("Answers a second by {axis}"), &figures.run.host, height);
    for quarter in 0..=4 {
        let rate = most * f64::from(quarter) / 4.0;
        shape(
            &mut svg,
            format_args!(
                "line x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{0:.1}\" y2=\"{0:.1}\" stroke=\"#ddd\"",
                y(rate)
            ),
        );
        text(&mut svg, LEFT - 8.0, y(rate) + 4.0, "end", &thousands(rate));
    }
    let mut free_until = f64::INFINITY;
    for place in places.iter().rev().filter(|place| {
        let fits = x(**place) < free_until;
        free_until = if fits { x(**place) - LABEL_WIDTH } else { free_until };
        fits
    }) {
        text(&mut svg, x(*place), TOP + PLOT_HEIGHT + 18.0, "middle", &thousands(*place as f64));
    }
    for (at, side) in sides.iter().enumerate() {
        let colour = COLOURS[at % COLOURS.len()];
        let points: Vec<_> =
            places.iter().filter_map(|place| Some((x(*place), y(rate(side, *place)?)))).collect();
        let path: Vec<_> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        shape(
            &mut svg,
            format_args!(
                "polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"",
                path.join(" ")
            ),
        );
        for (x, y) in &points {
            shape(&mut svg, format_args!("circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\""));
        }
        if let Some((x, y)) = points.last() {
            text(&mut svg, x + 8.0, y + 4.0, "start", side);
        }
    }
    text(&mut svg, (LEFT + RIGHT) / 2.0, TOP + PLOT_HEIGHT + 38.0, "middle", axis);
    text(&mut svg, 16.0, height - 14.0, "start", &foot(figures));
    svg + "</svg>\n"
}

fn foot(figures: &Figures) -> String {
    format!("{}, revision {}: {}", figures.run.date, figures.run.revision, figures.run.command)
}

fn open(title: &str, host: &str, height: f64) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    writeln!(svg, "<text x=\"16\" y=\"22\" font-size=\"15\" font-weight=\"bold\">{}</text>", escaped(title))
        .expect("a String takes all");
    text(&mut svg, 16.0, 40.0, "start", host);
    svg
}

fn shape(svg: &mut String, inside: std::fmt::Arguments<'_>) {
    writeln!(svg, "<{inside}/>").expect("a String takes all");
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, what: &str) {
    writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>", escaped(what))
        .expect("a String takes all");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::tests::SAMPLE;

    #[test]
    fn a_bar_is_as_long_as_its_median_and_says_it() {
        let svg = bars(&Figures::parse(SAMPLE).unwrap(), "ping");
        // The most of all rounds is 300, the medians are 200 and 120.
        assert!(svg.contains("width=\"313.3\""), "{svg}");
        assert!(svg.contains("width=\"188.0\""), "{svg}");
        assert!(svg.contains(">200</text>") && svg.contains(">120</text>"), "{svg}");
        assert!(svg.ends_with("</svg>\n"));
    }

    #[test]
    fn a_line_has_a_point_per_place_at_equal_steps_for_equal_factors() {
        let header = SAMPLE.lines().next().unwrap();
        let point = |at: u64, rate: u64| {
            format!(
                "\n{{\"kind\":\"figure\",\"group\":\"stops\",\"side\":\"hold\",\"round\":1,\"at\":{at},\
                 \"rate\":{rate},\"command\":\"c\"}}"
            )
        };
        let figures = format!("{header}{}{}{}", point(100, 10), point(1, 40), point(10, 20));
        let svg = lines(&Figures::parse(&figures).unwrap(), "stops");
        assert!(svg.contains("points=\"170.0,54.0 405.0,184.0 640.0,249.0\""), "{svg}");
    }

    #[test]
    fn what_a_host_is_called_cannot_break_the_picture() {
        let svg = bars(&Figures::parse(&SAMPLE.replace("2 cores", "<&>")).unwrap(), "ping");
        assert!(svg.contains(">&lt;&amp;&gt;</text>"), "{svg}");
    }
}
