//! How much memory reviews may take at once: whoever reaches the port can send any number of any size.

use std::pin::pin;
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use futures::StreamExt;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// The most bytes of a review: etcd keeps no larger Pod, and a review has at most two of them.
const MOST_BYTES: usize = 4 << 20;
/// What all reviews that are under way weigh at most, of the 256 MiB that the operator may have. A usual Pod's weighs
/// less than one.
const MOST_WEIGHT: usize = 64 << 20;
/// How long a review waits until it is read and there is room for it. The API server waits for two seconds, of which
/// the answer may take the other.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often a Pod is in memory at once: as it came, as a value, as that is changed, as it is tried.
const COPIES: usize = 4;

/// What there is left.
pub(super) struct Budget(Semaphore);

/// A review that was read. Its weight is taken until this is dropped.
pub(super) struct Read<'a> {
    pub(super) body: Vec<u8>,
    _weight: SemaphorePermit<'a>,
}

impl Default for Budget {
    fn default() -> Self {
        Self(Semaphore::new(MOST_WEIGHT))
    }
}

impl Budget {
    /// Reads a review once there is room for it; or else says how it is refused.
    pub(super) async fn read(&self, body: Body) -> Result<Read<'_>, StatusCode> {
        timeout(PATIENCE, self.read_all(body)).await.unwrap_or(Err(StatusCode::SERVICE_UNAVAILABLE))
    }

    /// What has come is counted, and not what was announced: who sends half of it keeps nobody away.
    async fn read_all(&self, body: Body) -> Result<Read<'_>, StatusCode> {
        let (mut chunks, mut body, mut weight) =
            (pin!(body.into_data_stream()), Vec::new(), self.take(0).await?);
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| StatusCode::BAD_REQUEST)?;
            if body.len() + chunk.len() > MOST_BYTES {
                return Err(StatusCode::PAYLOAD_TOO_LARGE);
            }
            // Half of what a growing vector takes may be empty.
            weight.merge(self.take(2 * chunk.len()).await?);
            body.extend_from_slice(&chunk);
        }
        weight.merge(self.take(weigh(&body)).await?);
        Ok(Read { body, _weight: weight })
    }

    async fn take(&self, weight: usize) -> Result<SemaphorePermit<'_>, StatusCode> {
        let weight = u32::try_from(weight).ok().filter(|_| weight <= MOST_WEIGHT / 2);
        let weight = weight.ok_or(StatusCode::PAYLOAD_TOO_LARGE)?;
        self.0.acquire_many(weight).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)
    }
}

/// What the values of a text of JSON take in memory at most, of a kind of text that is all values: 4 MiB of `{"a":0},`
/// take 350 MB. An object is a node of a tree with room for eleven fields.
fn weigh(text: &[u8]) -> usize {
    let of_byte = |byte: &u8| match byte {
        b'{' => 720,
        b'[' => 160,
        b',' => 144,
        b'"' => 16,
        _ => 1,
    };
    COPIES * text.iter().map(of_byte).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::HEAP;

    #[tokio::test]
    async fn a_review_is_let_in_by_what_it_takes_in_memory() {
        let check = async |text: Vec<u8>, expect: Option<StatusCode>| {
            let refused = Budget::default().read(Body::from(text)).await.err();
            assert_eq!(refused, expect);
        };
        check(include_bytes!("recorded/create.json").to_vec(), None).await;
        check(vec![b'a'; MOST_BYTES], None).await;
        check(vec![b'a'; MOST_BYTES + 1], Some(StatusCode::PAYLOAD_TOO_LARGE)).await;
        check(br#"{"a":0},"#.repeat(1 << 16), Some(StatusCode::PAYLOAD_TOO_LARGE)).await;
    }

    #[tokio::test]
    async fn a_review_waits_for_room_and_leaves_it_when_it_is_over() {
        let budget = Budget::default();
        let large = || Body::from(vec![b'a'; 3 << 20]);
        let mut held = Vec::new();
        let refused = loop {
            match budget.read(large()).await {
                Ok(read) => held.push(read),
                Err(refused) => break refused,
            }
        };
        assert_eq!((refused, held.len()), (StatusCode::SERVICE_UNAVAILABLE, 3));
        held.clear();
        assert_eq!(budget.0.available_permits(), MOST_WEIGHT);
        assert_eq!(budget.read(large()).await.map(|read| read.body.len()).ok(), Some(3 << 20));
    }

    /// Others that run beside it may take more meanwhile, and so it looks several times.
    #[test]
    fn values_take_no_more_than_they_weigh() {
        let check = |of: &str| {
            let text = format!("[{}0]", of.repeat(10_000));
            let taken = (0..20).map(|_| {
                let before = HEAP.current_usage();
                let value: serde_json::Value = serde_json::from_str(&text).unwrap();
                let taken = HEAP.current_usage().saturating_sub(before);
                drop(value);
                taken
            });
            let (taken, weight) = (taken.min().unwrap(), weigh(text.as_bytes()) / COPIES);
            assert!(taken <= weight, "{of}: {taken} of {weight}");
        };
        check(r#"{"a":0},"#);
        check(r#"{"a":{"b":{"c":0}}},"#);
        check("[0],");
        check(r#"["a"],"#);
        check("0,");
        check(r#""a","#);
        check(r#"{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0,"i":0,"j":0,"k":0,"l":0,"m":0},"#);
        check(r#"{"l":"","k":"","j":"","i":"","h":"","g":"","f":"","e":"","d":"","c":"","b":"","a":""},"#);
    }
}
