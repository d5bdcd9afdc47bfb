//! `kubectl hooked logs`: the logs of all Pods of a workload, as `kubectl logs deployment/NAME --all-pods` prints
//! them.

mod choose;

use futures::io::{AsyncBufRead, AsyncBufReadExt};
use futures::{Stream, StreamExt, pin_mut, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::LogParams;
use thiserror::Error;

use crate::arguments::LogsOptions;
use crate::connect::Connection;
use crate::end::End;
use crate::pods::each_of;
use crate::print::{PrintError, write_bytes};
use crate::request::{Asked, Request, RequestError};
use crate::workloads::get;

use choose::{ChooseError, Chosen, Source, choose};

/// Why not all logs were printed.
#[derive(Debug, Error)]
pub(crate) enum LogsError {
    /// The API server has not given what was asked for.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// There are no Pods.
    #[error("{name} has no Pods: `kubectl hooked status {name} -n {namespace}` says why")]
    NoPods {
        /// The workload.
        name: String,
        /// Its namespace.
        namespace: String,
    },
    /// There is no such container.
    #[error(transparent)]
    Choose(#[from] ChooseError),
    /// Each log that is followed is a connection.
    #[error("{logs} logs would be followed, and {most} may be: choose with -c, or raise --max-log-requests")]
    TooMany {
        /// How many there are.
        logs: usize,
        /// How many may be.
        most: usize,
    },
    /// What was had is printed; the rest is told above.
    #[error("{failed} of {logs} logs could not be read, as is said above")]
    Incomplete {
        /// How many could not be read.
        failed: usize,
        /// How many there are.
        logs: usize,
    },
    /// They were not printed.
    #[error(transparent)]
    Print(#[from] PrintError),
}

/// Runs the command. What cannot be read of one Pod keeps none of another back.
pub(crate) async fn run(connection: &Connection, options: &LogsOptions) -> Result<End, LogsError> {
    let workload = get(connection, &options.name).await?;
    let mut found = Vec::new();
    each_of(connection, &workload, |pod| found.push(choose(pod, options))).await?;
    let chosen = found.into_iter().collect::<Result<Vec<Chosen>, _>>()?;
    if chosen.is_empty() {
        let (name, namespace) = (options.name.clone(), connection.namespace.clone());
        return Err(LogsError::NoPods { name, namespace });
    }
    if let Some(note) = choose::note(&chosen) {
        eprintln!("{note}");
    }
    let sources: Vec<&Source> = chosen.iter().flat_map(|chosen| &chosen.sources).collect();
    let (logs, most) = (sources.len(), options.max_log_requests);
    if options.follow && logs > most {
        return Err(LogsError::TooMany { logs, most });
    }
    let at_once = if options.follow { logs } else { 1 };
    match print(connection, options, sources, at_once).await? {
        0 => Ok(End::Done),
        failed => Err(LogsError::Incomplete { failed, logs }),
    }
}

/// Prints logs, so many at once, and returns how many could not be read.
async fn print(
    connection: &Connection,
    options: &LogsOptions,
    sources: Vec<&Source>,
    at_once: usize,
) -> Result<usize, LogsError> {
    let pods: Api<Pod> = Api::namespaced(connection.client.clone(), &connection.namespace);
    let logs = sources.into_iter().map(|source| {
        let opened = open(pods.clone(), connection, options, source);
        stream::once(opened).flat_map(move |opened| told(opened, source, options.prefix)).boxed()
    });
    let lines = stream::iter(logs).flatten_unordered(at_once).take_until(tokio::signal::ctrl_c());
    pin_mut!(lines);
    let mut failed = 0;
    while let Some(line) = lines.next().await {
        match line {
            Ok(line) => write_bytes(&line)?,
            Err(error) => {
                eprintln!("{error}");
                failed += 1;
            }
        }
    }
    Ok(failed)
}

async fn open(
    pods: Api<Pod>,
    connection: &Connection,
    options: &LogsOptions,
    source: &Source,
) -> Result<impl AsyncBufRead + use<>, RequestError> {
    let parameters = parameters(options, source);
    let request =
        Request { verb: "get", asked: Asked::Log, name: &source.pod, namespace: &connection.namespace };
    pods.log_stream(&source.pod, &parameters).await.map_err(|error| request.failed(&error))
}

fn parameters(options: &LogsOptions, source: &Source) -> LogParams {
    // A part of a second would be none.
    let seconds =
        |since: std::time::Duration| i64::try_from(since.as_millis().div_ceil(1_000)).unwrap_or(i64::MAX);
    LogParams {
        container: Some(source.container.clone()),
        follow: options.follow,
        previous: options.previous,
        since_seconds: options.since.map(|since| seconds(since).max(1)),
        tail_lines: (options.tail >= 0).then_some(options.tail),
        timestamps: options.timestamps,
        ..LogParams::default()
    }
}

/// The lines of a log, each with its prefix and its end; one error, in words, if it cannot be read.
fn told<'a, R: AsyncBufRead + Send + 'a>(
    opened: Result<R, RequestError>,
    source: &'a Source,
    prefix: bool,
) -> stream::BoxStream<'a, Result<Vec<u8>, String>> {
    match opened {
        Ok(reader) => lines(reader, source, prefix).boxed(),
        Err(error) => stream::iter([Err(format!("{source}: {error}"))]).boxed(),
    }
}

fn lines<'a, R: AsyncBufRead + Send + 'a>(
    reader: R,
    source: &'a Source,
    prefix: bool,
) -> impl Stream<Item = Result<Vec<u8>, String>> + Send + 'a {
    let begin = if prefix { format!("[{source}] ") } else { String::new() };
    stream::unfold(Some(Box::pin(reader)), move |reader| {
        let begin = begin.clone();
        async move {
            let mut reader = reader?;
            let mut line = begin.clone().into_bytes();
            match reader.read_until(b'\n', &mut line).await {
                Ok(0) => None,
                Ok(_) => {
                    // The last line of a log may have no end, and another log follows.
                    if !line.ends_with(b"\n") {
                        line.push(b'\n');
                    }
                    Some((Ok(line), Some(reader)))
                }
                Err(error) => Some((Err(format!("{source}: its log broke off: {error}")), None)),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::executor::block_on;
    use futures::io::Cursor;

    use super::*;

    fn options() -> LogsOptions {
        LogsOptions {
            name: "web".to_owned(),
            follow: false,
            container: None,
            all_containers: false,
            since: None,
            tail: -1,
            prefix: true,
            timestamps: false,
            previous: false,
            max_log_requests: 50,
        }
    }

    fn source() -> Source {
        Source { pod: "web-1".to_owned(), container: "app".to_owned() }
    }

    #[test]
    fn flags_are_asked_for_as_kubectl_asks_for_them() {
        let all = parameters(&options(), &source());
        assert_eq!((all.container.as_deref(), all.tail_lines, all.since_seconds), (Some("app"), None, None));
        let some = LogsOptions { tail: 0, since: Some(Duration::from_millis(1_500)), ..options() };
        let some = parameters(&some, &source());
        assert_eq!((some.tail_lines, some.since_seconds), (Some(0), Some(2)));
        let now = LogsOptions { since: Some(Duration::ZERO), ..options() };
        assert_eq!(parameters(&now, &source()).since_seconds, Some(1));
    }

    fn check(log: &[u8], prefix: bool, expect: &[&[u8]]) {
        let source = source();
        let told: Vec<Vec<u8>> = block_on(
            told(Ok(Cursor::new(log.to_vec())), &source, prefix).map(|line| line.unwrap()).collect(),
        );
        assert_eq!(told, expect);
    }

    #[test]
    fn each_line_has_its_pod_and_container_before_it_and_an_end() {
        check(b"one\ntwo", true, &[b"[pod/web-1/app] one\n", b"[pod/web-1/app] two\n"]);
        check(b"one\n\xff\n", false, &[b"one\n", b"\xff\n"]);
        check(b"", true, &[]);
    }

    #[test]
    fn a_log_that_cannot_be_read_is_one_error_with_its_pod() {
        let source = source();
        let failed: Result<Cursor<Vec<u8>>, _> = Err(RequestError::Unauthorized);
        let told: Vec<_> = block_on(told(failed, &source, true).collect());
        assert!(matches!(&told[..], [Err(words)] if words.starts_with("pod/web-1/app: ")), "{told:?}");
    }
}
