//! The history of a made-up world, in blocks of Prometheus: always the same hours of the same day.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::browser::run;
use super::world::World;

/// 2026-01-15, 11:58 UTC: when all stories end. No label of an axis is at the edge then.
pub(super) const ENDS: u64 = 1_768_478_280;

/// Seconds between two scrapes.
pub(super) const STEP: u64 = 60;

/// The hour that is shown, the hour before that its queries look at, and a while for the first rollouts.
const LASTS: u64 = 9000;

/// What Prometheus adds when it scrapes.
const TARGET: &str = r#"job="hooked-controller-metrics",pod="hooked-controller-6d9f7c5b8-x7k2p""#;

/// Writes the story into a data directory below `place`.
pub(super) fn write(promtool: &Path, place: &Path, workloads: u32) -> Result<()> {
    fs::create_dir_all(place)?;
    let text = place.join("story.txt");
    tell(&text, workloads).with_context(|| format!("cannot write {}", text.display()))?;
    let mut command = Command::new(promtool);
    command.args(["tsdb", "create-blocks-from", "openmetrics", "--quiet"]).arg(&text).arg(place.join("data"));
    run(&mut command)?;
    fs::remove_file(text)?;
    Ok(())
}

/// Tells it as `OpenMetrics` with timestamps.
#[allow(clippy::cast_precision_loss, reason = "a double holds the seconds of any day")]
fn tell(file: &Path, workloads: u32) -> Result<()> {
    let mut text = BufWriter::new(fs::File::create(file)?);
    let began = ENDS - LASTS;
    let world = World { workloads, began: began as f64, ends: ENDS as f64 };
    let mut written = Ok(());
    for now in (began..=ENDS).step_by(usize::try_from(STEP)?) {
        let mut line = |name: &str, labels: &str, value: f64| {
            let comma = if labels.is_empty() { "" } else { "," };
            let line = writeln!(text, "{name}{{{labels}{comma}{TARGET}}} {value} {now}");
            written = std::mem::replace(&mut written, Ok(())).and(line);
        };
        world.at(now as f64, &mut line);
        world.beside(now as f64, &mut line);
    }
    written?;
    writeln!(text, "# EOF")?;
    text.flush()?;
    Ok(())
}
