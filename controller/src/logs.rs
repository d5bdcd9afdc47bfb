//! What the operator logs, and in which form.

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

/// Of kube's own words only what is wrong.
const DEFAULT: &str = "info,kube=warn";

/// What the operator is told about its log.
#[derive(Args, Clone, Debug)]
pub(crate) struct LogSettings {
    /// What is logged: `error`, `warn`, `info`, `debug` or `trace`, also for parts, such as `info,kube=debug`.
    #[arg(long, env = "HOOKED_LOG", default_value = DEFAULT, value_parser = parse_directives)]
    log_level: String,
    /// How it is written: a JSON object a line, or text.
    #[arg(long, value_enum, default_value_t = LogFormat::Json, ignore_case = true)]
    log_format: LogFormat,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// A JSON object a line.
    Json,
    /// For people.
    Text,
}

impl LogSettings {
    /// Has everything be logged so from now on.
    pub(crate) fn begin(&self) {
        let log = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(&self.log_level))
            .with_writer(std::io::stderr);
        match self.log_format {
            LogFormat::Json => log.json().flatten_event(true).init(),
            LogFormat::Text => log.init(),
        }
    }
}

/// An empty word is none, as charts render it.
fn parse_directives(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Ok(DEFAULT.to_owned());
    }
    match EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => {
            Err(format!("{error}: say a level (error, warn, info, debug, trace) or part=level, with commas"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_may_be_said_of_all_and_of_parts() {
        let check =
            |text: &str, expect: &str| assert_eq!(parse_directives(text).as_deref(), Ok(expect), "{text}");
        check("debug", "debug");
        check("warn,hooked_controller=trace", "warn,hooked_controller=trace");
        check("", DEFAULT);
    }

    #[test]
    fn what_is_no_level_is_refused_with_what_would_be_one() {
        let refused = parse_directives("info,kube=loud").unwrap_err();
        assert!(refused.contains("error, warn, info, debug, trace"), "{refused}");
    }
}
