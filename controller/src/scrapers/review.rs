//! Whether whoever holds a token may read metrics, as the API server says, which is asked once a minute for each.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use hooked_core::pass::Locked;
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, UserInfo};
use k8s_openapi::api::authorization::v1::{
    NonResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::api::{Api, ObjectMeta, PostParams};
use kube::{Client, Error};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::request;

/// How long it is believed that somebody may, and that somebody may not.
const BELIEVED: Duration = Duration::from_secs(60);
const BELIEVED_NOT: Duration = Duration::from_secs(10);
/// So many are remembered at most. What is forgotten first is what would be forgotten first anyway.
const REMEMBERED: usize = 256;
/// So many are asked about at a time, whoever sends tokens that nobody knows.
const AT_A_TIME: usize = 4;
/// How long the API server may take for both questions.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is said to who asks for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// May read them.
    Allowed,
    /// Nobody that the API server knows.
    Unauthenticated,
    /// Somebody who may not `get` `/metrics`.
    Forbidden,
    /// The API server has not said: to be asked for again.
    Unknown,
}

/// Of a token only this is kept.
type Fingerprint = [u8; 32];

/// What the API server said of tokens, and until when that is believed.
pub(crate) struct Reviews {
    client: Client,
    known: Locked<HashMap<Fingerprint, (Verdict, Instant)>>,
    turns: Semaphore,
}

impl Reviews {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, known: Locked::default(), turns: Semaphore::new(AT_A_TIME) }
    }

    /// What the API server says now, or has said of late, of who holds the bearer token in an `Authorization` header.
    pub(crate) async fn judge(&self, authorization: Option<&str>) -> Verdict {
        let Some(token) = authorization.and_then(bearer) else { return Verdict::Unauthenticated };
        self.judge_at(token, Instant::now()).await
    }

    pub(super) async fn judge_at(&self, token: &str, now: Instant) -> Verdict {
        let fingerprint: Fingerprint = Sha256::digest(token.as_bytes()).into();
        let known = || self.known.lock().get(&fingerprint).copied();
        let believed = |(verdict, until)| (now < until).then_some(verdict);
        if let Some(verdict) = known().and_then(believed) {
            return verdict;
        }
        // The semaphore is never closed.
        let _turn = self.turns.acquire().await;
        // Another may have asked the same meanwhile.
        if let Some(verdict) = known().and_then(believed) {
            return verdict;
        }
        let asked = tokio::time::timeout(PATIENCE, self.ask(token)).await;
        let verdict = match asked {
            Ok(Ok(verdict)) => verdict,
            Ok(Err(error)) => {
                tracing::warn!(
                    error = request::brief(&error),
                    "the API server does not say who may read metrics"
                );
                return Verdict::Unknown;
            }
            Err(_) => return Verdict::Unknown,
        };
        let patience = if verdict == Verdict::Allowed { BELIEVED } else { BELIEVED_NOT };
        remember(&mut self.known.lock(), fingerprint, (verdict, now + patience), now);
        verdict
    }

    async fn ask(&self, token: &str) -> Result<Verdict, Error> {
        let spec = TokenReviewSpec { token: token.to_owned(), ..TokenReviewSpec::default() };
        let review = TokenReview { metadata: ObjectMeta::default(), spec, status: None };
        let reviews = Api::all(self.client.clone());
        let told: TokenReview = reviews.create(&PostParams::default(), &review).await?;
        let told = told.status.unwrap_or_default();
        let user = told.user.filter(|_| told.authenticated == Some(true));
        let Some(user) = user else { return Ok(Verdict::Unauthenticated) };
        let reviews = Api::all(self.client.clone());
        let told: SubjectAccessReview = reviews.create(&PostParams::default(), &may_read(user)).await?;
        let allowed = told.status.is_some_and(|status| status.allowed);
        Ok(if allowed { Verdict::Allowed } else { Verdict::Forbidden })
    }
}

/// The question whether somebody may read metrics.
fn may_read(user: UserInfo) -> SubjectAccessReview {
    let asked = NonResourceAttributes { path: Some("/metrics".to_owned()), verb: Some("get".to_owned()) };
    let UserInfo { extra, groups, uid, username } = user;
    let spec = SubjectAccessReviewSpec {
        extra,
        groups,
        non_resource_attributes: Some(asked),
        uid,
        user: username,
        ..SubjectAccessReviewSpec::default()
    };
    SubjectAccessReview { metadata: ObjectMeta::default(), spec, status: None }
}

/// The token of a header such as `Bearer abc`.
fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// Keeps an answer, at the price of those that are over, or else of the one that is over first.
fn remember(
    known: &mut HashMap<Fingerprint, (Verdict, Instant)>,
    fingerprint: Fingerprint,
    answer: (Verdict, Instant),
    now: Instant,
) {
    if known.len() >= REMEMBERED {
        known.retain(|_, (_, until)| now < *until);
    }
    if known.len() >= REMEMBERED {
        let first = known.iter().min_by_key(|(_, (_, until))| *until).map(|(fingerprint, _)| *fingerprint);
        first.and_then(|first| known.remove(&first));
    }
    known.insert(fingerprint, answer);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_that_of_the_bearer_scheme_alone() {
        let check = |header: &str, expect: Option<&str>| assert_eq!(bearer(header), expect, "{header}");
        check("Bearer abc", Some("abc"));
        check("bearer  abc ", Some("abc"));
        check("Bearer ", None);
        check("Basic abc", None);
        check("abc", None);
    }

    #[test]
    fn of_many_answers_so_many_are_kept_and_those_that_last_longest() {
        let now = Instant::now();
        let mut known = HashMap::new();
        let fingerprint = |number: usize| Fingerprint::from(Sha256::digest(number.to_le_bytes()));
        remember(&mut known, fingerprint(0), (Verdict::Allowed, now + BELIEVED), now);
        for number in 1..=REMEMBERED * 2 {
            remember(&mut known, fingerprint(number), (Verdict::Unauthenticated, now + BELIEVED_NOT), now);
        }
        assert!(known.len() == REMEMBERED && known.contains_key(&fingerprint(0)));
        let later = now + BELIEVED_NOT;
        remember(&mut known, fingerprint(1), (Verdict::Allowed, later + BELIEVED), later);
        assert_eq!(known.len(), 2, "what is over goes first");
    }
}
