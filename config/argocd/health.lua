-- The health of a HookedWorkload in Argo CD: what Argo CD says of a Deployment, and Degraded where the operator says
-- that nothing helps but a change. Hooks that fail do not make a workload unhealthy, but for a rollout that they stop.
-- docs/argo-cd.md says where this goes.

local spec = obj.spec or {}
local status = obj.status or {}

local function health(is, message)
  return {status = is, message = message}
end

local function condition(kind)
  for _, known in ipairs(status.conditions or {}) do
    if known.type == kind then
      return known
    end
  end
  return {}
end

if spec.paused == true then
  return health("Suspended", "the HookedWorkload is paused")
end

if (status.observedGeneration or 0) < (obj.metadata.generation or 0) then
  return health("Progressing", "waiting for the operator to see the change")
end

local stalled = condition("Stalled")
if stalled.status == "True" then
  return health("Degraded", stalled.reason .. ": " .. stalled.message)
end

local progressing = condition("Progressing")
if progressing.reason == "ProgressDeadlineExceeded" or progressing.reason == "HooksFailing" then
  return health("Degraded", progressing.reason .. ": " .. progressing.message)
end

local wanted = spec.replicas or 1
local replicas = status.replicas or 0
local updated = status.updatedReplicas or 0
local available = status.availableReplicas or 0

if updated < wanted then
  return health("Progressing", string.format("%d of %d Pods are updated", updated, wanted))
end
if replicas > updated then
  return health("Progressing", string.format("%d Pods of old revisions are still there", replicas - updated))
end
if available < updated then
  return health("Progressing", string.format("%d of %d updated Pods are available", available, updated))
end
return health("Healthy", "")
