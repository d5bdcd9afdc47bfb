//! Sessions of runners that are authenticated already, over a pipe.

use hooked_protocol::{Ending, Exit, MAX_LINE, Outcome, RunId};
use kube::{Client, Config};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex};

use super::*;
use hooked_core::pass::Locked;

/// Answers every report alike, and notes what has become of each.
struct Operator {
    answer: Option<Reported>,
    results: Locked<Vec<&'static str>>,
}

impl Sink for Operator {
    fn report(&self, namespace: &str, pod_uid: &str, _: &Record) -> Option<Reported> {
        assert_eq!((namespace, pod_uid), ("shop", "u-1"));
        self.answer
    }
}

impl Observer for Operator {
    fn report_handled(&self, result: ReportResult) {
        self.results.lock().push(result.label());
    }
    fn connected(&self) {}
    fn disconnected(&self) {}
    fn endpoint_changed(&self) {}
}

fn began() -> Record {
    Record {
        run: RunId([7; 16]),
        container: "web".to_owned(),
        hook: Hook::PostStart,
        start: 1,
        numbering: None,
        ending: None,
    }
}

fn ended(run: u8) -> String {
    let ending = Ending {
        duration: 1,
        outcome: Outcome::Succeeded,
        exit: Some(Exit::Code(0)),
        attempts: 1,
        message: String::new(),
        output: String::new(),
    };
    Record { run: RunId([run; 16]), ending: Some(ending), ..began() }.to_line(MAX_LINE).unwrap()
}

/// Follows the run over a pipe to `runner`, and returns the words that count what became of its reports.
async fn follow<R: Future<Output = ()>>(
    heard: Option<Heard>,
    runner: impl FnOnce(BufReader<DuplexStream>, Arc<Channel>) -> R,
) -> Vec<&'static str> {
    let answer = heard.map(|heard| Reported { heard, terminating: false });
    let operator = Arc::new(Operator { answer, results: Locked::default() });
    let client = Client::try_from(Config::new("http://127.0.0.1:1".parse().unwrap())).unwrap();
    let channel = Arc::new(Channel::default());
    let shared = Shared {
        channel: Arc::clone(&channel),
        sink: operator.clone(),
        observer: operator.clone(),
        authenticator: Authenticator::new(client, &[1; 32]),
        limits: Limits::default(),
    };
    let (ours, theirs) = duplex(4096);
    let serve = async {
        let mut session = Session { framed: Framed::new(ours), shared: &shared };
        let identity = Identity { namespace: "shop".to_owned(), pod_uid: "u-1".to_owned() };
        let entry = channel.registry.enter("u-1", Hook::PostStart).unwrap();
        let end = session.follow_run(Run { identity, record: began(), entry }).await;
        session.close(end).await;
    };
    futures::join!(serve, runner(BufReader::new(theirs), Arc::clone(&channel)));
    std::mem::take(&mut *operator.results.lock())
}

async fn expect(runner: &mut BufReader<DuplexStream>, frame: &FromOperator) {
    let mut line = String::new();
    runner.read_line(&mut line).await.unwrap();
    assert_eq!(FromOperator::parse(&line).as_ref(), Ok(frame));
}

#[tokio::test]
async fn a_stop_reaches_the_runner_and_the_end_of_its_run_is_taken() {
    let results = follow(Some(Heard::News), async |mut runner, channel| {
        channel.stop("u-1");
        expect(&mut runner, &FromOperator::Stop).await;
        runner.write_all(ended(7).as_bytes()).await.unwrap();
        expect(&mut runner, &FromOperator::Taken).await;
    });
    assert_eq!(results.await, ["taken"]);
}

#[tokio::test]
async fn a_known_end_is_a_duplicate_and_that_of_another_run_is_refused() {
    let results = follow(Some(Heard::Known), async |mut runner, _| {
        runner.write_all(ended(7).as_bytes()).await.unwrap();
        expect(&mut runner, &FromOperator::Taken).await;
    });
    assert_eq!(results.await, ["duplicate"]);
    let results = follow(Some(Heard::News), async |mut runner, _| {
        runner.write_all(ended(8).as_bytes()).await.unwrap();
        expect(&mut runner, &FromOperator::Refused("malformed".to_owned())).await;
    });
    assert_eq!(results.await, ["malformed"]);
}

#[tokio::test]
async fn a_runner_that_may_be_accepted_later_is_refused_without_a_word() {
    for heard in [None, Some(Heard::Foreign)] {
        let results = follow(heard, async |mut runner, _| {
            runner.write_all(ended(7).as_bytes()).await.unwrap();
            let mut line = String::new();
            assert_eq!(runner.read_line(&mut line).await.unwrap(), 0, "{line}");
        });
        assert_eq!(results.await, ["foreign"]);
    }
}

#[tokio::test]
async fn a_runner_that_goes_is_no_report() {
    assert_eq!(follow(Some(Heard::News), async |runner, _| drop(runner)).await, [""; 0]);
}
