//! `kubectl hooked status`: a workload as a tree, once, on every change, or when something has come true.

mod error;
mod heading;
mod hook;
mod once;
mod shares;
mod tree;
mod wait;
mod watch;

use crate::arguments::StatusOptions;
use crate::connect::Connection;
use crate::end::End;
use crate::print::Screen;
use crate::request::RequestError;

pub(crate) use error::StatusError;
use once::show_once;

/// Runs the command.
pub(crate) async fn run(
    connection: &Connection,
    options: &StatusOptions,
    screen: &Screen,
) -> Result<End, StatusError> {
    if options.watch {
        return watch::watch(connection, options, screen).await;
    }
    if options.wait {
        let end = wait::wait(connection, options).await?;
        // What is there now says why, whatever came of the wait. One that is gone has nothing to show.
        match show_once(connection, options, screen).await {
            Err(StatusError::Request(RequestError::NoWorkload { .. })) => {}
            shown => shown?,
        }
        return Ok(end);
    }
    show_once(connection, options, screen).await?;
    Ok(End::Done)
}
