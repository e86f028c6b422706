//! What `bench/run` and `bench/growth` have measured, as a table on the terminal, a section of RESULTS.md and charts.
//!
//! ```text
//!  figures   the file: what the host is, one line per measurement, what was left out
//!  bars      ratios of two sides of a group, and amounts, against what they have to be
//!  section   Markdown, and its place between two markers of a document
//!  chart     SVG: bars of one group, lines of one axis
//! ```

#![forbid(unsafe_code)]

mod bars;
mod chart;
mod figures;
mod section;

use crate::figures::Figures;
use clap::{Parser, Subcommand};
use std::error::Error;
use std::fs;
use std::path::PathBuf;

/// Tell what a file of figures says
#[derive(Clone, Debug, Parser)]
#[command(name = "report")]
struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Debug, Subcommand)]
enum What {
    /// The bars of bench/run
    Bars(Paths),
    /// The charts of bench/growth
    Growth(Paths),
}

#[derive(Clone, Debug, clap::Args)]
struct Paths {
    /// The figures, one JSON object a line
    #[arg(value_name = "FILE")]
    figures: PathBuf,
    /// Write the section between this document's markers
    #[arg(long, value_name = "FILE")]
    document: Option<PathBuf>,
    /// Write charts into this folder, which stands beside the document
    #[arg(long, value_name = "FOLDER")]
    charts: Option<PathBuf>,
}

fn main() -> Result<(), Box<dyn Error>> {
    match Options::parse().what {
        What::Bars(paths) => {
            let figures = read(&paths)?;
            print!("{}", bars::table(&figures));
            let charts = figures.groups().into_iter().map(|group| (group, chart::bars(&figures, group)));
            write(&paths, "bench/run", "", charts.collect(), |links| section::bars(&figures, links))
        }
        What::Growth(paths) => {
            let figures = read(&paths)?;
            print!("{}", section::growth_table(&figures));
            let charts = figures.groups().into_iter().map(|group| (group, chart::lines(&figures, group)));
            write(&paths, "bench/growth", "growth-", charts.collect(), |links| {
                section::growth(&figures, links)
            })
        }
    }
}

fn read(paths: &Paths) -> Result<Figures, Box<dyn Error>> {
    let told = |error: &dyn Error| format!("{}: {error}; measure again", paths.figures.display());
    let text = fs::read_to_string(&paths.figures).map_err(|error| told(&error))?;
    Ok(Figures::parse(&text).map_err(|error| told(&error))?)
}

/// `section` is told the charts' titles and where they are for a reader of the document.
fn write(
    paths: &Paths,
    marker: &str,
    prefix: &str,
    charts: Vec<(&str, String)>,
    section: impl Fn(&[(String, String)]) -> String,
) -> Result<(), Box<dyn Error>> {
    let mut links = Vec::new();
    if let Some(folder) = &paths.charts {
        fs::create_dir_all(folder)?;
        let beside = folder.file_name().ok_or("--charts is no folder's name")?.to_string_lossy();
        for (group, svg) in charts {
            let name = format!("{prefix}{group}.svg");
            fs::write(folder.join(&name), svg)?;
            links.push((group.to_owned(), format!("{beside}/{name}")));
        }
    }
    if let Some(path) = &paths.document {
        let document = fs::read_to_string(path)?;
        fs::write(path, section::replace(&document, marker, &section(&links))?)?;
    }
    Ok(())
}
