//! `status --watch`: drawn again whenever the workload or one of its Pods changes.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::{Stream, StreamExt, pin_mut, stream};
use hooked_crd::HookedWorkload;
use jiff::Timestamp;
use kube::ResourceExt;
use kube_runtime::WatchStreamExt;
use kube_runtime::watcher::{self, watch_object};

use super::error::StatusError;
use super::once::{choice, show};
use super::tree;
use crate::arguments::{Format, StatusOptions};
use crate::connect::Connection;
use crate::end::End;
use crate::overview::{PodRow, overview, without_pods};
use crate::pods::{PodObject, is_of, pods, selector};
use crate::print::{Screen, write};
use crate::render::{Line, Tone};
use crate::request::{Asked, Request, RequestError};
use crate::workloads::{get, workloads};

/// The least time between two drawings: faster nobody can read. What comes meanwhile is drawn together.
const FRAME: Duration = Duration::from_millis(200);
/// Changes that are drawn together.
const TOGETHER: usize = 1_024;

/// Something that has changed.
enum Change {
    Workload(Option<Box<HookedWorkload>>),
    Pods(Box<watcher::Event<PodObject>>),
    /// They may not be listed, or not be watched.
    PodsRefused(RequestError),
    Interrupted(RequestError),
}

/// What is known of the workload and its Pods.
struct Sight {
    /// Of the workload that was there at first.
    uid: Option<String>,
    workload: Option<Box<HookedWorkload>>,
    pods: BTreeMap<String, PodRow>,
    /// The Pods of a list that is not complete yet.
    listing: BTreeMap<String, PodRow>,
    /// Whether a list was complete: before that a drawing would show too little.
    listed: bool,
    /// Why there will be no Pods.
    refused: Option<RequestError>,
    interrupted: Option<RequestError>,
}

/// Watches until Ctrl-C, or until the workload is gone.
pub(super) async fn watch(
    connection: &Connection,
    options: &StatusOptions,
    screen: &Screen,
) -> Result<End, StatusError> {
    let first = get(connection, &options.name).await?;
    let changes = changes(connection, &first).ready_chunks(TOGETHER);
    let stop = tokio::signal::ctrl_c();
    pin_mut!(changes, stop);
    let mut sight = Sight::of(first);
    screen.clear()?;
    loop {
        let together = tokio::select! {
            interrupted = &mut stop => return interrupted.map(|()| End::Done).map_err(StatusError::from),
            together = changes.next() => together.unwrap_or_default(),
        };
        for change in together {
            sight.take(change)?;
        }
        if sight.workload.is_none() {
            let gone = format!("HookedWorkload {} is gone", options.name);
            screen.redraw(&[Line::new().add(Tone::Strong, gone)])?;
            return Ok(End::Done);
        }
        if sight.listed {
            sight.draw(options, screen)?;
        }
        tokio::select! {
            interrupted = &mut stop => return interrupted.map(|()| End::Done).map_err(StatusError::from),
            () = tokio::time::sleep(FRAME) => {}
        }
    }
}

/// Changes of a workload and of its Pods, as they come.
fn changes(connection: &Connection, workload: &HookedWorkload) -> impl Stream<Item = Change> + use<> {
    let (name, namespace) = (workload.name_any(), connection.namespace.clone());
    let config = watcher::Config { label_selector: selector(workload), ..watcher::Config::default() };
    let of_pods = watcher::watcher(pods(connection), config).default_backoff().map({
        let namespace = namespace.clone();
        move |event| match event {
            Ok(event) => Change::Pods(Box::new(event)),
            Err(error) => {
                let request = Request { verb: "watch", asked: Asked::Pod, name: "", namespace: &namespace };
                match request.interrupted(&error) {
                    error @ RequestError::Forbidden { .. } => Change::PodsRefused(error),
                    error => Change::Interrupted(error),
                }
            }
        }
    });
    let of_workload = watch_object(workloads(connection), &name).default_backoff();
    let of_workload = of_workload.map(move |change| match change {
        Ok(workload) => Change::Workload(workload.map(Box::new)),
        Err(error) => {
            let request =
                Request { verb: "watch", asked: Asked::Workload, name: &name, namespace: &namespace };
            Change::Interrupted(request.interrupted(&error))
        }
    });
    stream::select(of_workload, of_pods)
}

impl Sight {
    fn of(workload: HookedWorkload) -> Self {
        Self {
            uid: workload.metadata.uid.clone(),
            workload: Some(Box::new(workload)),
            pods: BTreeMap::new(),
            listing: BTreeMap::new(),
            listed: false,
            refused: None,
            interrupted: None,
        }
    }

    /// Takes a change in. What trying again will not mend is an error.
    fn take(&mut self, change: Change) -> Result<(), RequestError> {
        self.interrupted = None;
        match change {
            // Another of its name is another one.
            Change::Workload(workload) => {
                self.workload = workload.filter(|workload| workload.metadata.uid == self.uid);
            }
            Change::Pods(event) => self.take_pods(*event),
            // The workload itself tells most.
            Change::PodsRefused(error) => (self.refused, self.listed) = (Some(error), true),
            Change::Interrupted(error @ (RequestError::Forbidden { .. } | RequestError::Unauthorized)) => {
                return Err(error);
            }
            Change::Interrupted(error) => self.interrupted = Some(error),
        }
        Ok(())
    }

    fn take_pods(&mut self, event: watcher::Event<PodObject>) {
        let now = Timestamp::now();
        match event {
            watcher::Event::Init => self.listing.clear(),
            watcher::Event::InitApply(pod) if self.has(&pod) => {
                self.listing.insert(pod.uid().unwrap_or_default(), PodRow::of(&pod, now));
            }
            watcher::Event::InitDone => {
                self.pods = std::mem::take(&mut self.listing);
                (self.listed, self.refused) = (true, None);
            }
            watcher::Event::Apply(pod) if self.has(&pod) => {
                self.pods.insert(pod.uid().unwrap_or_default(), PodRow::of(&pod, now));
            }
            watcher::Event::Apply(pod) | watcher::Event::Delete(pod) => {
                self.pods.remove(&pod.uid().unwrap_or_default());
            }
            watcher::Event::InitApply(_) => {}
        }
    }

    fn has(&self, pod: &PodObject) -> bool {
        self.workload.as_ref().is_some_and(|workload| is_of(pod, workload))
    }

    fn draw(&self, options: &StatusOptions, screen: &Screen) -> Result<(), StatusError> {
        let Some(workload) = &self.workload else { return Ok(()) };
        let overview = match &self.refused {
            Some(error) => without_pods(workload, choice(options), error),
            None => overview(workload, self.pods.values(), choice(options)),
        };
        if options.output.is_some() {
            if options.output == Some(Format::Yaml) {
                write("---\n")?;
            }
            return show(&overview, options.output, screen);
        }
        let mut lines = tree::lines(&overview, screen.width, Timestamp::now());
        if let Some(error) = &self.interrupted {
            lines.push(Line::new().add(Tone::Bad, format!("{error}; trying again")));
        }
        Ok(screen.redraw(&lines)?)
    }
}
