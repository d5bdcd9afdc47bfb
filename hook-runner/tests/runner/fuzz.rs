//! Exit codes and signals under every mix of options, against what they must become.

use hooked_protocol::{Exit, Outcome};

use crate::passes_through::HARMLESS;
use crate::support::Place;

/// Numbers in an order that looks random and is the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

#[test]
fn exit_codes_and_signals_pass_under_every_mix_of_options() {
    let cases = std::env::var("HOOK_RUNNER_FUZZ_CASES").map_or(2000, |cases| cases.parse().unwrap());
    std::thread::scope(|scope| {
        for half in 0..2 {
            scope.spawn(move || {
                let place = Place::new();
                let mut dice = Dice(half);
                for _ in 0..cases / 2 {
                    case(&place, &mut dice);
                }
            });
        }
    });
}

fn case(place: &Place, dice: &mut Dice) {
    let exit = match dice.roll(4) {
        0 => Exit::Signal(fatal(dice)),
        _ => Exit::Code(u8::try_from(dice.roll(256)).unwrap()),
    };
    let mut options = vec!["--retry-delay", "0"];
    let retries = dice.roll(4).saturating_sub(2);
    let retries_text = retries.to_string();
    options.extend(["--retries", &retries_text]);
    let ignore = dice.roll(5) == 0;
    options.extend(ignore.then_some("--ignore-failure"));
    options.extend((dice.roll(3) == 0).then_some(["--timeout", "60"]).into_iter().flatten());
    options.extend((dice.roll(3) == 0).then_some(["--output-bytes", "64"]).into_iter().flatten());
    options.extend((dice.roll(4) == 0).then_some(["--budget", "300"]).into_iter().flatten());
    let noise =
        ["", "echo noise;", "echo noise >&2;", "seq 1 20000;"][usize::try_from(dice.roll(4)).unwrap()];
    let script = match exit {
        Exit::Code(code) => format!("{noise} exit {code}"),
        Exit::Signal(number) => format!("{noise} ulimit -c 0; kill -{number} $$"),
    };
    std::fs::write(place.file("log"), "").unwrap();
    let status = place.script(&options, &script).status.code().unwrap();

    let own = match exit {
        Exit::Code(code) => i32::from(code),
        Exit::Signal(number) => i32::from(number) + 128,
    };
    assert_eq!(status, if ignore { 0 } else { own }, "{options:?} {script}");
    let ending = place.ending();
    let expected = if own == 0 { (Outcome::Succeeded, 1) } else { (Outcome::Failed, retries + 1) };
    assert_eq!(
        (ending.outcome, u64::from(ending.attempts), ending.exit),
        (expected.0, expected.1, Some(exit)),
        "{script}"
    );
}

fn fatal(dice: &mut Dice) -> u8 {
    loop {
        let number = u8::try_from(1 + dice.roll(31)).unwrap();
        if !HARMLESS.contains(&number) {
            return number;
        }
    }
}
