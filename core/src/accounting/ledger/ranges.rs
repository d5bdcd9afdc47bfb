//! Marks as one line of text: ten thousand Pods that all differ must fit into a status.
//!
//! Containers are named once, and a range is `GAP[-MORE]:MARK,MARK…`: how far its first number is behind the last of
//! the range before, how many more follow, and of each container in order the starts whose postStart and whose end are
//! counted, and the last that was seen running where one was: `POST_START.END[.SEEN_RUNNING]`, empty where nothing is.
//! So `1-399:1.0;2:5.4` tells of the numbers 1 to 400, and of 402.

use std::sync::Arc;

use super::{Mark, Marks, PodMarks};

/// The ranges of `marks`, with marks in the order of `containers`.
pub(super) fn write(marks: &Marks, containers: &[Arc<str>]) -> String {
    let mut behind = 0;
    let ranges = marks.ranges().map(|(first, last, pod)| {
        let more = if last > first { format!("-{}", last - first) } else { String::new() };
        let each: Vec<String> = containers.iter().map(|name| mark(pod.of(name))).collect();
        let range = format!("{}{more}:{}", first - behind, each.join(","));
        behind = last;
        range
    });
    ranges.collect::<Vec<_>>().join(";")
}

fn mark(mark: Mark) -> String {
    let Mark { post_start, end, seen_running, anew: _ } = mark;
    match seen_running {
        _ if mark == Mark::default() => String::new(),
        0 => format!("{post_start}.{end}"),
        seen => format!("{post_start}.{end}.{seen}"),
    }
}

/// Reads what [`write`] writes. The error is the range that cannot be read.
pub(super) fn read(text: &str, containers: &[Arc<str>]) -> Result<Marks, String> {
    let mut marks = Marks::default();
    let mut behind = 0;
    for range in text.split(';').filter(|range| !range.is_empty()) {
        let (first, last, pod) = read_range(range, behind, containers).ok_or_else(|| range.to_owned())?;
        if !marks.insert(first, last, pod) {
            return Err(range.to_owned());
        }
        behind = last;
    }
    Ok(marks)
}

fn read_range(range: &str, behind: u64, containers: &[Arc<str>]) -> Option<(u64, u64, PodMarks)> {
    let (numbers, each) = range.split_once(':')?;
    let (gap, more) = numbers.split_once('-').unwrap_or((numbers, "0"));
    let first = behind.checked_add(gap.parse().ok()?)?;
    let last = first.checked_add(more.parse().ok()?)?;
    let mut pod = PodMarks::default();
    let mut names = containers.iter();
    for mark in each.split(',').filter(|_| !each.is_empty()) {
        let name = names.next()?;
        if !mark.is_empty() {
            pod.0.insert(Arc::clone(name), read_mark(mark)?);
        }
    }
    Some((first, last, pod))
}

fn read_mark(mark: &str) -> Option<Mark> {
    let mut starts = mark.split('.').map(str::parse);
    let (post_start, end) = (starts.next()?.ok()?, starts.next()?.ok()?);
    let seen_running = starts.next().unwrap_or(Ok(0)).ok()?;
    starts.next().is_none().then_some(Mark { post_start, end, seen_running, anew: None })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::accounting::ledger::Youngest;

    fn containers() -> Vec<Arc<str>> {
        vec!["proxy".into(), "web".into()]
    }

    fn pod(web: (u32, u32)) -> PodMarks {
        // Where more starts than ends are counted, the last was seen running.
        let seen_running = if web.0 > web.1 + 1 { web.0 } else { 0 };
        let mark = Mark { post_start: web.0, end: web.1, seen_running, ..Mark::default() };
        PodMarks([(Arc::from("web"), mark)].into())
    }

    fn marks(pods: impl IntoIterator<Item = (u64, (u32, u32))>) -> Marks {
        let mut marks = Marks::default();
        for (number, web) in pods {
            marks.set(number, pod(web), Youngest::default());
        }
        marks
    }

    #[test]
    fn ranges_are_written_by_their_distance_and_marks_by_the_order_of_containers() {
        let mut some = marks((1..=400).map(|number| (number, (1, 0))).chain([(402, (5, 4))]));
        some.compact(false, |first, last| (first..=last).any(|number| number != 401));
        assert_eq!(write(&some, &containers()), "1-399:,1.0;2:,5.4");
        assert_eq!(write(&Marks::default(), &containers()), "");
    }

    #[test]
    fn ten_thousand_pods_that_all_differ_take_a_part_of_what_a_status_may_hold() {
        let all = marks((1..=10_000).map(|number| (number, (u32::try_from(number % 977).unwrap() + 1, 900))));
        let text = write(&all, &containers());
        assert!(text.len() < 128 * 1024, "{} bytes", text.len());
    }

    #[test]
    fn what_is_no_range_is_named() {
        for wrong in [
            "x:1.0",
            "1:1",
            "1:1.0,2.0,3.0",
            "1:1.2.3.4",
            "1",
            "0:1.0",
            "1-99999999999999999999:1.0",
            "1:1.x",
        ] {
            let text = if wrong == "0:1.0" { format!("5:,1.0;{wrong}") } else { wrong.to_owned() };
            assert_eq!(read(&text, &containers()).unwrap_err(), wrong);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(pods in prop::collection::btree_map(1_u64..60, (0_u32..4, 0_u32..4), 0..30)) {
            let all = marks(pods.into_iter().filter(|(_, web)| *web != (0, 0)));
            prop_assert_eq!(read(&write(&all, &containers()), &containers()), Ok(all));
        }
    }
}
