//! What a pass acts upon: the spec with its revision stored and its Pods taken by the API server, or why it is not so.

use hooked_core::status::Refusal;
use hooked_core::workload::desired::Desired;
use jiff::Timestamp;

use crate::context::Context;
use crate::reconcile::ReconcileError;
use crate::revise::{ReviseError, Revised, Subject, earlier, leaving_as, revise};
use crate::vet::{Admission, vet};

/// What a pass acts upon.
pub(crate) struct Prepared {
    pub(crate) desired: Desired,
    pub(crate) collision_count: Option<i32>,
    /// Why nothing is rolled out, if nothing is.
    pub(crate) refusal: Option<Refusal>,
    /// When the API server is to be asked again how Pods can be made.
    pub(crate) ask_again: Option<Timestamp>,
    /// What failed, and is tried again.
    pub(crate) trouble: Option<ReconcileError>,
}

impl Prepared {
    fn troubled(desired: Desired, collision_count: Option<i32>, trouble: ReconcileError) -> Self {
        let refusal = Some(Refusal { invalid: false, message: trouble.to_string() });
        Self {
            desired: desired.without_revision(),
            collision_count,
            refusal,
            ask_again: None,
            trouble: Some(trouble),
        }
    }
}

/// Revises and vets. Whatever stands in the way of that keeps no hook from being counted and no Pod from being let go:
/// only nothing is rolled out. A spec that cannot be read is an error.
pub(crate) async fn prepare(
    context: &Context,
    subject: Subject<'_>,
    leaving: bool,
) -> Result<Prepared, ReviseError> {
    if leaving {
        // Nothing is rolled out any more, so nothing is stored.
        let Revised { desired, collision_count } = leaving_as(subject.spec, subject.status)?;
        return Ok(Prepared { desired, collision_count, refusal: None, ask_again: None, trouble: None });
    }
    let Revised { desired, collision_count } = match revise(context, subject).await {
        Ok(revised) => revised,
        Err(error @ ReviseError::Desired(_)) => return Err(error),
        Err(error) => return unrevised(subject, error),
    };
    let as_written = desired.clone();
    Ok(match vet(context, subject.namespace, subject.owner, desired).await {
        Ok(Admission { desired, refusal: None, ask_again }) => {
            Prepared { desired, collision_count, refusal: None, ask_again, trouble: None }
        }
        Ok(Admission { desired: refused, refusal, ask_again }) => {
            let (desired, trouble) = match hold_back(context, subject, &refused).await {
                Ok(held) => (held.unwrap_or_else(|| refused.without_revision()), None),
                Err(error) => (refused.without_revision(), Some(error)),
            };
            Prepared { desired, collision_count, refusal, ask_again, trouble }
        }
        Err(error) => Prepared::troubled(as_written, collision_count, error.into()),
    })
}

/// A workload whose template is refused goes on with the one before, as a Deployment does whose change was refused; none
/// if there is no such, or if the server takes it no more either.
async fn hold_back(
    context: &Context,
    subject: Subject<'_>,
    refused: &Desired,
) -> Result<Option<Desired>, ReconcileError> {
    let Some(held) = earlier(context, subject, refused).await? else { return Ok(None) };
    let Admission { desired, refusal, .. } = vet(context, subject.namespace, subject.owner, held).await?;
    Ok(refusal.is_none().then_some(desired))
}

/// A revision that is not stored must not be told as the one that is rolled out: a user who pauses the workload would
/// hold it at what nobody has.
fn unrevised(subject: Subject<'_>, error: ReviseError) -> Result<Prepared, ReviseError> {
    let collision_count = subject.status.collision_count;
    let desired = Desired::from_spec(subject.spec, collision_count.unwrap_or(0))?;
    Ok(Prepared::troubled(desired, collision_count, error.into()))
}
