//! What users do and what they are told, with an operator that is left alone. Scenarios run side by side.

mod crash_loop;
mod deaths;
mod deployments;
mod evictions;
mod going_back;
mod kubectl;
mod leaving;
mod likeness;
mod live;
mod malformed;
mod plugin;
mod rollouts;
mod runner;
mod samples;
mod scaling;
mod stops;
mod stuck;
