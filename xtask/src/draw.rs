//! Pictures of the dashboards without a Grafana: its own components draw them in a browser, of a Prometheus that is
//! there or of made-up ones, which show the same everywhere. Also what the tests of alerts and dashboards scrape.

mod browser;
mod page;
pub(crate) mod server;
mod story;
pub(crate) mod world;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use clap::Args;
use hooked_cluster::{Progress, monitoring};
use serde_json::json;

use crate::image;
use browser::{Browser, Picture};
use server::Server;

/// What is made up: the name of its pictures, and how many workloads there are.
const STORIES: [(&str, u32); 3] = [("empty", 0), ("one", 1), ("many", 200)];

/// What to draw, and where.
#[derive(Args)]
pub(crate) struct Options {
    /// The directory of the pictures: BOARD-STORY-THEME.png.
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
    /// Draw the last hour of this Prometheus, and not of those that are made up.
    #[arg(long, value_name = "URL")]
    prometheus: Option<String>,
    /// Only dashboards whose names contain this.
    #[arg(long, value_name = "BOARD", default_value = "")]
    only: String,
}

/// Draws every dashboard in both themes.
pub(crate) fn run(options: &Options) -> Result<()> {
    let progress = Progress::new(|line| eprintln!("{line}"));
    fs::create_dir_all(&options.output)?;
    let output = fs::canonicalize(&options.output)?;
    let place = image::workspace()?.join("target/draw");
    let browser = Browser::find(&progress)?;
    let page = page::build(&place, &progress)?;
    let drawing = Drawing { browser, page, output, only: &options.only };
    if let Some(url) = &options.prometheus {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        return drawing.draw("now", url.trim_end_matches('/'), now, 30);
    }
    let promtool = monitoring::promtool(&progress)?;
    for (name, workloads) in STORIES {
        progress.say(&format!("making up {workloads} workloads"));
        let server = made_up(&promtool, &place.join(name), workloads)?;
        drawing.draw(name, &server.url(), story::ENDS, story::STEP)?;
    }
    Ok(())
}

/// A Prometheus that has scraped so many workloads.
fn made_up(promtool: &Path, place: &Path, workloads: u32) -> Result<Server> {
    if place.exists() {
        fs::remove_dir_all(place).with_context(|| format!("cannot remove {}", place.display()))?;
    }
    story::write(promtool, place, workloads)?;
    Server::start(promtool, place, &json!({"global": {"scrape_interval": "1h"}}))
}

struct Drawing<'a> {
    browser: Browser,
    page: PathBuf,
    output: PathBuf,
    only: &'a str,
}

impl Drawing<'_> {
    fn draw(&self, story: &str, prometheus: &str, end: u64, scrape: u64) -> Result<()> {
        for (board, height) in page::boards()? {
            let name = board.trim_end_matches(".json");
            if !name.contains(self.only) {
                continue;
            }
            for theme in ["dark", "light"] {
                let asked =
                    format!("board={board}&theme={theme}&prometheus={prometheus}&end={end}&scrape={scrape}");
                let to = self.output.join(format!("{name}-{story}-{theme}.png"));
                self.browser.draw(&Picture { page: &self.page, asked: &asked, height, to: &to })?;
                println!("{}", to.display());
            }
        }
        Ok(())
    }
}
