//! A chart as inline SVG: a grid with named axes, lines, and their legend as text below, where it covers nothing.

use super::escape;
use super::scale::Scale;
use std::fmt::Write;

pub(super) const WIDTH: f64 = 860.0;
pub(super) const HEIGHT: f64 = 300.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 40.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 28.0;

/// One line of a chart.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) name: String,
    /// Classes of the style sheet.
    pub(super) class: &'static str,
    /// Left to right; the line is broken where there is no value.
    pub(super) points: Vec<(f64, Option<f64>)>,
}

/// One chart.
#[derive(Clone, Debug)]
pub(super) struct Chart {
    pub(super) title: &'static str,
    pub(super) x: Scale,
    pub(super) y: Scale,
    pub(super) lines: Vec<Line>,
}

impl Chart {
    /// The chart with its heading and legend.
    pub(super) fn svg(&self) -> String {
        let title = escape(self.title);
        let mut svg = format!(
            "<h2>{title}</h2>\n<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">\n"
        );
        self.grid(&mut svg);
        let mut legend = String::new();
        for Line { name, class, points } in &self.lines {
            let road = self.road(points);
            writeln!(svg, "<path class=\"{class}\" d=\"{road}\"/>").expect(TAKEN);
            writeln!(
                legend,
                "<li><svg viewBox=\"0 0 26 10\" aria-hidden=\"true\"><path class=\"{class}\" d=\"M2 5H24\"/></svg>{}</li>",
                escape(name)
            )
            .expect(TAKEN);
        }
        format!("{svg}</svg>\n<ul>\n{legend}</ul>\n")
    }

    fn grid(&self, svg: &mut String) {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        for (value, name) in &self.y.ticks {
            let y = self.y_of(*value);
            writeln!(
                svg,
                "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{right}\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{name}</text>",
                LEFT - 8.0,
                y + 4.0
            )
            .expect(TAKEN);
        }
        for (value, name) in &self.x.ticks {
            let x = self.x_of(*value);
            writeln!(
                svg,
                "<path class=\"grid\" d=\"M{x:.1} {TOP}V{bottom}\"/><text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{name}</text>",
                bottom + 19.0
            )
            .expect(TAKEN);
        }
    }

    fn road(&self, points: &[(f64, Option<f64>)]) -> String {
        let mut road = String::new();
        let mut pen = 'M';
        for (x, y) in points {
            let Some(y) = y else {
                pen = 'M';
                continue;
            };
            let (x, y) = (self.x_of(*x), self.y_of(*y));
            // A line of no length is a dot: a value between two that are missing is seen.
            let dot = if pen == 'M' { "h0" } else { "" };
            write!(road, "{pen}{x:.1} {y:.1}{dot}").expect(TAKEN);
            pen = 'L';
        }
        road
    }

    fn x_of(&self, value: f64) -> f64 {
        LEFT + self.x.at(value) * (WIDTH - LEFT - RIGHT)
    }

    fn y_of(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - self.y.at(value) * (HEIGHT - TOP - BOTTOM)
    }
}

const TAKEN: &str = "a String takes all text";
