//! The words that call the runner are as they ever were, and what is written is read.
#![allow(clippy::unwrap_used, reason = "a panic in a test is the report")]

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::time::Duration;

use hooked_protocol::{Hook, Invocation, InvocationError};
use proptest::option;
use proptest::prelude::*;

/// Any bytes that can be an argument, text or not.
fn word() -> impl Strategy<Value = OsString> {
    prop_oneof![
        prop::collection::vec(1..=255_u8, 0..12).prop_map(OsString::from_vec),
        prop::sample::select(vec!["--", "--live", "--hook", "run", "-1", ""]).prop_map(OsString::from),
    ]
}

prop_compose! {
    fn invocation()(container in "[a-z0-9-]{1,63}", pre_stop: bool, record_dir in option::of(word()),
                    log in option::of(word()), budget in option::of(any::<usize>()),
                    policy in any::<[Option<u32>; 3]>(), ignore_failure: bool,
                    output_bytes in option::of(any::<usize>()), live in option::of(word()),
                    command in prop::collection::vec(word(), 1..5)) -> Invocation {
        let [timeout, retries, retry_delay] = policy;
        Invocation {
            container,
            hook: if pre_stop { Hook::PreStop } else { Hook::PostStart },
            record_dir: record_dir.map(Into::into),
            termination_log: log.map(Into::into),
            budget,
            timeout,
            retries,
            retry_delay,
            ignore_failure,
            output_bytes,
            live: live.map(Into::into),
            command,
        }
    }
}

proptest! {
    #[test]
    fn an_invocation_comes_back_as_it_was_written(invocation in invocation()) {
        prop_assert_eq!(Invocation::from_args(invocation.to_args()), Ok(invocation.clone()));
        prop_assert_eq!(Invocation::from_command(invocation.to_command()), Some(Ok(invocation)));
    }

    #[test]
    fn no_words_make_reading_panic(words in prop::collection::vec(word(), 0..12)) {
        let _ = Invocation::from_args(words);
    }
}

fn words(text: &str) -> Vec<OsString> {
    text.split_whitespace().map(OsString::from).collect()
}

/// Pods that run now were given these words, and their runners may be of another version.
#[test]
fn the_words_are_as_they_ever_were() {
    let invocation = Invocation {
        record_dir: Some("/.hooked/records".into()),
        termination_log: Some("/dev/termination-log".into()),
        budget: Some(1536),
        timeout: Some(30),
        retries: Some(0),
        retry_delay: Some(2),
        ignore_failure: true,
        output_bytes: Some(512),
        live: Some("/.hooked/live".into()),
        ..Invocation::new("web".to_owned(), Hook::PreStop, words("sleep 5"))
    };
    let expect = "/.hooked/runner/hook-runner run --container web --hook PreStop --record-dir /.hooked/records \
        --termination-log /dev/termination-log --budget 1536 --timeout 30 --retries 0 --retry-delay 2 \
        --output-bytes 512 --ignore-failure --live /.hooked/live -- sleep 5";
    assert_eq!(invocation.to_command(), words(expect));
    let bare = Invocation::new("web".to_owned(), Hook::PostStart, words("true"));
    assert_eq!(bare.to_args(), words("--container web --hook PostStart -- true"));
}

#[test]
fn what_is_not_given_has_its_default_and_what_is_too_much_is_cut() {
    fn check(options: &str, expect: (usize, Option<u64>, u32, u64, usize)) {
        let args = words(&format!("--container web --hook PreStop {options} -- true"));
        let invocation = Invocation::from_args(args).unwrap();
        let come_to = (
            invocation.log_budget(),
            invocation.timeout().as_ref().map(Duration::as_secs),
            invocation.attempts(),
            invocation.retry_delay().as_secs(),
            invocation.recorded_output(),
        );
        assert_eq!(come_to, expect, "{options}");
    }
    check("", (0, None, 1, 1, 0));
    check("--budget 99999 --output-bytes 99999 --timeout 0 --retry-delay 0", (4096, None, 1, 0, 1024));
    check("--retries 2 --timeout 3 --timeout 4", (0, Some(4), 3, 1, 0));
}

#[test]
fn words_that_are_no_invocation_are_refused_by_name() {
    fn check(args: &str, expect: InvocationError) {
        assert_eq!(Invocation::from_args(words(args)), Err(expect), "{args}");
    }
    check("", InvocationError::Command);
    check("--container web --hook PreStop", InvocationError::Command);
    check("--container web --hook PreStop --", InvocationError::Command);
    check("--hook PreStop -- true", InvocationError::Missing("--container"));
    check("--container web -- true", InvocationError::Missing("--hook"));
    check("--hook preStop -- true", InvocationError::Value("--hook"));
    check("--retries -1 -- true", InvocationError::Value("--retries"));
    check("--record-dir", InvocationError::Value("--record-dir"));
    check("--what -- true", InvocationError::Unknown("--what".into()));
    assert_eq!(Invocation::from_command(words("sh -c true")), None);
    assert_eq!(Invocation::from_command(words("/.hooked/runner/hook-runner install /x")), None);
}
